"""The run's checkpoints, a line each: health, what is wrong, drift, and which one to keep."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rldk_tui.analysis.saved_checkpoints import NO_CHECKPOINTS, CheckpointState, SavedCheckpoint, SavedCheckpoints
from rldk_tui.charts.format import count, number, size
from rldk_tui.charts.growing import shape_of
from rldk_tui.charts.severity import SEVERITY_GLYPHS
from rldk_tui.charts.sparkline import sparkline
from rldk_tui.events import Severity
from rldk_tui.tui.cells import Box, Drawing, Line, Span, Tone, cut, left, line, right, wrapped
from rldk_tui.tui.pages.checkpoint import checkpoint_page
from rldk_tui.tui.tones import OVER, SEVERITY_TONES, health_tone
from rldk_tui.tui.view import View

if TYPE_CHECKING:
    from rldk_tui.session import RunHealth

MARKS = ("A", "B")
"""What two marked checkpoints are called: the earlier one first."""
_WIDE, _MIDDLE = 108, 64
_FEWEST = 3
"""Points that make a curve."""
_LOW = 16
"""Lines below which what is said below the list takes as few as it can."""
_MOST_REASONS = 3
_STATES = {
    CheckpointState.NOT_ANALYSED: ("not analysed yet", Tone.DIM),
    CheckpointState.UNFINISHED: ("not written to its end", Tone.WARNING),
    CheckpointState.UNREADABLE: ("may not be read by you", Tone.WARNING),
    CheckpointState.DELETED: ("deleted, never analysed", Tone.DIM),
}


class RecordedCheckpoints:
    """What is recorded of the checkpoints, looked up anew only when a log or a folder changed."""

    def __init__(self) -> None:
        self._of: tuple[object, ...] | None = None
        self._found = NO_CHECKPOINTS

    def update(self, health: RunHealth) -> SavedCheckpoints:
        """The checkpoints of the run as it stands."""
        snapshot = health.snapshot
        segments = tuple((segment.key, segment.version) for segment in snapshot.segments)
        found = tuple((one.path, one.complete, one.size) for one in snapshot.checkpoints)
        of = (segments, found, snapshot.problems, health.deleted)
        if of != self._of:
            self._of, self._found = of, health.checkpoints()
        return self._found


def draw_checkpoints(view: View, box: Box, marked: Collection[int] = (), said: Sequence[Line] = ()) -> Drawing:
    """A line a checkpoint, by step.

    Args:
        view: The run.
        box: The room.
        marked: Steps of those that are to be compared.
        said: Of an analysis: that it runs, or why it failed.
    """
    saved = view.checkpoints
    if not saved.rows:
        return Drawing(_none_yet(view, box), tuple(said))
    rows = [Line(_head(box).spans)]
    names = dict(zip(sorted(marked), MARKS, strict=False))
    keep = None if saved.choice is None else saved.choice.step
    rows += [_row(row, names.get(row.step, ""), row.step == keep, box) for row in saved.rows]
    deleted = sum(row.deleted for row in saved.rows)
    note = f"{count(len(rows) - 1)} saved" + (f" · {count(deleted)} deleted since" if deleted else "")
    reasons = _keep(saved, box)
    if box.height is not None and box.height < _LOW:
        reasons = _in_one(reasons, box)
    footer = [*_drift(saved, box), *reasons, *(said or _pending(view, box))]
    return Drawing(tuple(rows), tuple(cut(row, box.width) for row in footer), note)


def _none_yet(view: View, box: Box) -> tuple[Line, ...]:
    over = view.health.snapshot.state in OVER
    first = "No checkpoint was saved in this run." if over else "No checkpoint has been saved yet."
    how = "The Trainer saves one every `save_steps` steps, or every epoch with `save_strategy`."
    return (*wrapped(first, box.width), *wrapped(how.replace("`", ""), box.width, Tone.DIM))


def _head(box: Box) -> Line:
    before, health, after = _columns(("step", "", "health", "size", "since last", "since first", "reward", "KL"), box)
    return cut(line(Span("  " + before + health + after + "  issues", Tone.DIM)), box.width)


def _columns(cells: Sequence[str], box: Box) -> tuple[str, str, str]:
    """Step and which to keep, the health, and what else there is room for."""
    step, keep, health, bytes_, previous, first, reward, kl = cells
    after = right(previous, 12) + right(first, 12) if box.width >= _MIDDLE else ""
    if box.width >= _WIDE:
        after += right(bytes_, 10) + right(reward, 9) + right(kl, 9)
    return right(step, 9 if box.width >= _MIDDLE else 6) + " " + left(keep, 5), right(health, 6), after


def _row(row: SavedCheckpoint, mark: str, keep: bool, box: Box) -> Line:
    cells = (
        count(row.step),
        "keep" if keep else "",
        "–" if row.health is None else f"{row.health:.2f}",
        size(row.size),
        share(row.since_previous),
        share(row.since_first),
        number(row.beside.reward),
        number(row.beside.kl),
    )
    before, health, after = _columns(cells, box)
    tone = Tone.DIM if row.deleted or not row.analysed else Tone.PLAIN
    score = health.lstrip()
    return cut(
        line(
            Span(left(mark, 2), Tone.ACCENT),
            Span(before, Tone.GOOD if keep else tone if row.deleted else Tone.STRONG),
            health[: -len(score)],
            Span(score, health_tone(row.health)),
            Span(after, tone),
            "  ",
            *_told(row),
            opens=checkpoint_page(row.step),
        ),
        box.width,
    )


def _told(row: SavedCheckpoint) -> list[Span]:
    if not row.analysed:
        return [Span(*_STATES[row.state])]
    spans = [Span("deleted", Tone.DIM)] if row.deleted else []
    worst = row.worst
    if worst is None or (row.deleted and worst is Severity.INFO):
        return spans or [Span("none" if row.issues == 0 else "–", Tone.DIM)]
    rules = dict.fromkeys(issue.rule or "" for issue in row.told if issue.severity is worst)
    more = (row.issues or 0) - sum(issue.severity is worst for issue in row.told)
    return [
        *spans,
        Span("  " if spans else ""),
        Span(f"{SEVERITY_GLYPHS[worst]} {worst.value}", SEVERITY_TONES[worst]),
        Span(f" {', '.join(rules)}", Tone.DIM if worst is Severity.INFO else Tone.PLAIN),
        Span(f" +{more}" if more > 0 else "", Tone.DIM),
    ]


def _drift(saved: SavedCheckpoints, box: Box) -> list[Line]:
    """How far the weights went from the first checkpoint, as a row of cells."""
    known = [(row.step, row.since_first) for row in saved.rows if row.since_first is not None]
    if len(known) < _FEWEST or box.width < _MIDDLE:
        return []
    steps, values = np.array([step for step, _ in known]), np.array([value for _, value in known])
    drawn = sparkline(shape_of(steps, values, np.zeros(len(known), bool)), min(60, box.width - 36), box.glyphs)
    return [line(Span("drift from the first  ", Tone.DIM), Span(drawn.text, Tone.CHART), f"  {share(known[-1][1])}")]


def _keep(saved: SavedCheckpoints, box: Box) -> list[Line]:
    if saved.choice is None:
        seen = any(row.analysed and not row.deleted for row in saved.rows)
        why = "Keep none: no checkpoint that is there is whole and finite." if seen else ""
        return list(wrapped(why, box.width, Tone.WARNING)) if why else []
    unseen = sum(not row.analysed and not row.deleted for row in saved.rows)
    left_out = f" ({count(unseen)} not analysed: not considered)" if unseen else ""
    text = f"Keep step {count(saved.choice.step)}: {'; '.join(saved.choice.reasons)}.{left_out}"
    return list(wrapped(text, box.width, Tone.GOOD)[:_MOST_REASONS])


def _in_one(rows: list[Line], box: Box) -> list[Line]:
    return [cut(line(*rows[0].spans, Span(" …", Tone.DIM)), box.width)] if len(rows) > 1 else rows


def _pending(view: View, box: Box) -> list[Line]:
    waiting = to_analyse(view)
    if not waiting:
        return []
    bytes_ = sum(row.size or 0 for row in waiting)
    one = len(waiting) == 1
    return [
        cut(line(Span(f"{count(len(waiting))} not analysed ({size(bytes_)}): a analyses {'it' if one else 'them'}")), box.width)
    ]


def to_analyse(view: View) -> tuple[SavedCheckpoint, ...]:
    """The checkpoints an analysis would be made of."""
    return view.checkpoints.to_analyse(over=view.health.snapshot.state in OVER)


def share(value: float | None) -> str:
    """A relative change with three digits, however small."""
    return "–" if value is None else f"{number(100.0 * value)} %"
