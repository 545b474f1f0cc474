"""What one rule saw in a run: drawn with its limit, and row by row."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from rldk_tui.charts.format import NOTHING, count, number
from rldk_tui.charts.glyphs import ASCII, BRAILLE
from rldk_tui.charts.growing import NOT_FINITE, Shape
from rldk_tui.charts.plot import plot
from rldk_tui.charts.text import one_line, to_ascii
from rldk_tui.diagnosis.findings import why_silent
from rldk_tui.diagnosis.rule import ConfigRule, NamedRule, RowRule
from rldk_tui.diagnosis.signal import Signal, signals
from rldk_tui.events import Finding, Json, Severity
from rldk_tui.metrics import lookup
from rldk_tui.session import RunHealth
from rldk_tui.summary.check import finding_object
from rldk_tui.summary.prose import when
from rldk_tui.summary.rules import limits_object, rule_object

_HEIGHT = 8
_MOST_WALKS = 4
_LETTERS = " iwHC"
"""A severity by its rank, for the strip below a chart."""


def signal_object(named: NamedRule, health: RunHealth) -> dict[str, Json]:
    """Everything, every row."""
    snapshot = health.snapshot
    silent = why_silent(named, snapshot, snapshot.metric_names())
    return {
        **rule_object(named),
        "run": snapshot.name,
        "evaluated": silent is None,
        "reason": None if silent is None else silent.reason,
        "how": None if silent is None else silent.how,
        "config": _config_of(named, health),
        "signals": [
            {
                "launch": walk.launch,
                "metric": walk.metric,
                "unit": lookup(walk.metric).unit_in(snapshot.info.algorithm),
                "steps": walk.steps.tolist(),
                "logged": walk.logged.tolist(),
                "values": walk.value.tolist(),
                "limits": walk.limit.tolist(),
                "breach": walk.breach.tolist(),
                "level": [None if rank == 0 else Severity.from_rank(rank).value for rank in walk.level.tolist()],
            }
            for walk in _walks(named, health)
        ],
        "findings": [finding_object(finding) for finding in _findings(named, health)],
    }


def signal_lines(named: NamedRule, health: RunHealth, *, width: int, rows: int, ascii: bool = False) -> Iterator[str]:  # noqa: A002
    """For a terminal of this width; at most so many rows of each walk."""
    for text in _lines(named, health, width, rows, ascii=ascii):
        yield to_ascii(text, lambda _: 1) if ascii else text


def _lines(named: NamedRule, health: RunHealth, width: int, rows: int, *, ascii: bool) -> Iterator[str]:  # noqa: A002
    snapshot = health.snapshot
    yield f"{named.id} on {one_line(snapshot.name)}: {one_line(named.title)}"
    limits = ", ".join(f"{name} = {_shown(value)}" for name, value in limits_object(named.rule.limits).items())
    yield f"  limits  {limits or 'none'}"
    if isinstance(named.rule, RowRule) and named.rule.reads:
        logged = set(snapshot.metric_names())
        yield f"  reads   {', '.join(name + ('' if name in logged else ' (not logged)') for name in named.rule.reads)}"
    for name, value in _config_of(named, health).items():
        yield f"  config  {one_line(name)} = {one_line(_shown(value), 200)}"
    silent = why_silent(named, snapshot, snapshot.metric_names())
    if silent is not None:
        word = "not evaluated" if silent.applicable else "not for this run"
        yield f"  {word}  {one_line(silent.reason + (f'; {silent.how}' if silent.how else ''))}"
    walks = _walks(named, health)
    for walk in walks[:_MOST_WALKS]:
        yield ""
        yield from _walk_lines(walk, health, width, rows, ascii=ascii)
    if len(walks) > _MOST_WALKS:
        quiet = sum(not walk.episodes for walk in walks[_MOST_WALKS:])
        yield ""
        yield f"and {len(walks) - _MOST_WALKS} walks more ({quiet} of them silent): --json has them all"
    yield ""
    findings = _findings(named, health)
    for finding in findings:
        yield f"{finding.severity.value.upper():8}  {when(finding)}, known at step {count(finding.detected_step)}"
        yield f"  {one_line(finding.summary)}"
    if not findings and silent is None:
        yield "no finding"


def _walk_lines(walk: Signal, health: RunHealth, width: int, rows: int, *, ascii: bool) -> Iterator[str]:  # noqa: A002
    unit = lookup(walk.metric).unit_in(health.snapshot.info.algorithm)
    launch = f"launch {walk.launch}, " if len(health.snapshot.segments) > 1 else ""
    yield (
        f"{launch}{one_line(walk.metric)}{f' [{unit}]' if unit else ''}: {count(walk.steps.size)} of {count(walk.rows)} rows "
        f"judged, {count(int(walk.breach.sum()))} beyond the limit, {count(int((walk.level > 0).sum()))} in trouble"
    )
    if walk.steps.size:
        yield from _picture(walk, width, ascii=ascii)
        yield ""
        yield from _table(walk, rows)


def _picture(walk: Signal, width: int, *, ascii: bool) -> Iterator[str]:  # noqa: A002
    """What was compared, with its limit; below it the severity at each place."""
    drawn = walk.value if np.isfinite(walk.value).any() else walk.logged
    known = np.where(np.isfinite(drawn), drawn, np.nan)
    marks = np.where(np.isinf(drawn), NOT_FINITE, 0).astype(np.uint8)
    finite_limits = walk.limit[np.isfinite(walk.limit)]
    limit = float(finite_limits[-1]) if finite_limits.size else None
    cells = max(10, width - 12)
    shape = Shape(walk.steps, known, known, marks, 1)
    for row in plot(shape, cells, _HEIGHT, ASCII if ascii else BRAILLE, limit):
        yield f"{row.label:>9} {row.cells}".rstrip()
    edges = np.arange(cells + 1) * walk.level.size // cells
    strip = "".join(_LETTERS[int(walk.level[low : max(low + 1, high)].max())] for low, high in pairwise(edges.tolist()))
    if strip.strip():
        yield f"{'level':>9} {strip.rstrip()}"
        yield f"{'':9} i info, w warning, H high, C critical"


def _table(walk: Signal, rows: int) -> Iterator[str]:
    """The rows that tell most: where episodes begin, are known, peak and end; then evenly spread ones."""
    picked = _picked(walk, rows)
    if not picked.size:
        return
    columns = (
        ("step", [count(int(step)) for step in walk.steps[picked]]),
        (one_line(walk.metric, 30), [number(value) for value in walk.logged[picked].tolist()]),
        ("compared", [NOTHING if np.isnan(value) else number(value) for value in walk.value[picked].tolist()]),
        ("limit", ["" if np.isnan(value) else number(value) for value in walk.limit[picked].tolist()]),
        ("beyond", ["yes" if breach else "" for breach in walk.breach[picked].tolist()]),
        ("level", ["" if rank == 0 else Severity.from_rank(rank).value for rank in walk.level[picked].tolist()]),
    )
    widths = [max(len(title), *map(len, cells)) for title, cells in columns]
    yield "  ".join(f"{title:>{wide}}" for (title, _), wide in zip(columns, widths, strict=True))
    for cells in zip(*(cells for _, cells in columns), strict=True):
        yield "  ".join(f"{cell:>{wide}}" for cell, wide in zip(cells, widths, strict=True)).rstrip()
    if picked.size < walk.steps.size:
        yield f"{count(walk.steps.size - picked.size)} rows more: --rows N shows as many, --json all"


def _picked(walk: Signal, rows: int) -> NDArray[np.intp]:
    """Indices of at most `rows` rows."""
    size = walk.steps.size
    if size <= rows:
        return np.arange(size)
    steps = chain.from_iterable((item.first_step, item.detected_step, item.peak_step, item.last_step) for item in walk.episodes)
    telling = np.unique(np.searchsorted(walk.steps, list(steps)).astype(np.intp))[:rows]
    for spread in range(rows - telling.size, -1, -1):
        picked = np.union1d(telling, np.linspace(0, size - 1, spread).astype(np.intp))
        if picked.size <= rows:
            return picked.astype(np.intp)
    return telling


def _walks(named: NamedRule, health: RunHealth) -> tuple[Signal, ...]:
    """Those that spoke first."""
    if named.rule.applies(health.snapshot.info) is not None:
        return ()
    return tuple(sorted(signals(named, health.snapshot), key=lambda walk: not walk.episodes))


def _findings(named: NamedRule, health: RunHealth) -> list[Finding]:
    return [finding for finding in health.findings if finding.rule == named.id]


def _config_of(named: NamedRule, health: RunHealth) -> dict[str, Json]:
    """The run's settings that a rule over settings needs."""
    if not isinstance(named.rule, ConfigRule):
        return {}
    config = health.snapshot.info.config
    return {name: config[name] for name in named.rule.settings if name in config}


def _shown(value: Json) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_shown(entry) for entry in value)}]"
    return f"{value:g}" if isinstance(value, float) else str(value)
