"""Two checkpoints against each other in plain text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rldk_tui.charts.format import NOTHING, count, number
from rldk_tui.checkpoints.comparison import ChangeSummary, Comparison
from rldk_tui.checkpoints.statistics import Change
from rldk_tui.summary.checkpoints.table import Column, table
from rldk_tui.summary.checkpoints.wording import MOST, WIDTH, ends, plain, share, six_digits


def comparison_lines(comparison: Comparison, width: int = WIDTH) -> Iterator[str]:
    """Two checkpoints: all together, roles, layers, the tensors that changed most."""
    steps = "" if comparison.steps is None else f"  {count(comparison.steps)} steps"
    yield f"{plain(str(comparison.before))} → {plain(str(comparison.after))}{steps}"
    for problem in comparison.problems:
        yield f"  {plain(f'{problem.source}: {problem.message}')}"
    for what, names in (
        ("only in the first", comparison.only_before),
        ("only in the second", comparison.only_after),
        ("of another shape", comparison.reshaped),
    ):
        if names:
            yield f"  {what}: {count(len(names))} ({plain(', '.join(names[:3]))}{' …' if len(names) > 3 else ''})"
    if not comparison.tensors:
        yield "  They have no tensor in common."
        return
    if comparison.steps:
        yield f"  {share(comparison.per_step)} a step"
    yield ""
    yield from table(_changes("role", (*comparison.roles, comparison.total)), width)
    if comparison.layers:
        yield ""
        yield from table(_changes("layer", ends(comparison.layers)), width)
    yield ""
    yield from _most_changed(comparison, width)


def _changes(title: str, rows: Sequence[ChangeSummary]) -> list[Column]:
    return [
        Column(title, [one.name for one in rows]),
        Column("tensors", [count(one.tensors) for one in rows]),
        Column("unchanged", [count(one.unchanged_tensors) for one in rows], 1),
        Column("change", [share(one.relative) for one in rows]),
        Column("cosine", [six_digits(one.cosine) for one in rows]),
        Column("sign flips", [share(one.sign_flips) for one in rows]),
        Column("numbers unchanged", [share(one.unchanged) for one in rows], 2),
        Column("largest change", [number(one.largest) for one in rows]),
    ]


def _most_changed(comparison: Comparison, width: int) -> Iterator[str]:
    known = [(one, one.change) for one in comparison.tensors if one.change is not None]
    moved = sorted(known, key=lambda item: -_order(item[1].relative, item[1].change_square_sum))[:MOST]
    columns = [
        Column("changed most", [one.name for one, _ in moved]),
        Column("change", [_moved(change) for _, change in moved]),
        Column("cosine", [six_digits(change.cosine) for _, change in moved]),
        Column("sign flips", [share(change.sign_flips / change.count if change.count else math.nan) for _, change in moved], 2),
        Column("rank", [NOTHING if one.effective_rank is None else number(one.effective_rank) for one, _ in moved], 1),
    ]
    yield from table(columns, width)


def _moved(change: Change) -> str:
    if change.before_square_sum == 0 and change.change_square_sum > 0:
        return "from zero"
    return share(change.relative)


def _order(relative: float, moved: float) -> float:
    """A tensor that was zero and is not any more changed most of all; one that stayed zero did not."""
    return relative if math.isfinite(relative) else math.inf if moved > 0 else 0.0
