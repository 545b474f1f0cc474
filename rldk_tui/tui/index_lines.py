"""The list of runs as lines: what each is doing, how far it is, how well, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from rldk_tui.charts.format import NOTHING, age, count, number, percent
from rldk_tui.charts.severity import SEVERITY_GLYPHS
from rldk_tui.charts.sparkline import sparkline
from rldk_tui.events import RunState
from rldk_tui.summary.runs import RunRow
from rldk_tui.tui.cells import Box, Line, Page, Span, Tone, cut, left, line, right
from rldk_tui.tui.tones import SEVERITY_TONES, STATE_GLYPHS, STATE_TONES, health_tone

_STATE, _ALGORITHM, _STEP, _SHARE, _VALUE, _GRADE, _AGE = 11, 11, 10, 7, 9, 9, 9
_OPENED, _LEAST_OPENED = 25, 19
_LEAST_NAME, _MOST_NAME = 14, 48
_WIDE, _MIDDLE = 132, 96
_LEAST_CHART = 8
_MOST_CHART = 40


class Sort(StrEnum):
    """The order of the list."""

    NEWEST = "newest first"
    NAME = "name"
    TROUBLE = "worst first"
    VALUE = "highest value first"


_ORDER: dict[RunState | None, int] = {RunState.LIVE: 0, RunState.SLOW: 0, RunState.WAITING: 0, RunState.STALLED: 0}
_KEYS: dict[Sort, Callable[[RunRow], tuple[object, ...]]] = {
    Sort.NEWEST: lambda row: (_ORDER.get(row.state, 1), -row.last_sign, row.name),
    Sort.NAME: lambda row: (row.name,),
    Sort.TROUBLE: lambda row: (-max((severity.rank for severity in row.opened), default=0), -row.last_sign, row.name),
    Sort.VALUE: lambda row: (row.latest is None or row.latest != row.latest, -(row.latest or 0.0), row.name),
}


@dataclass(frozen=True, slots=True)
class RunPage(Page):
    """Leads to a run: its path below the folder."""

    run: str


def index_lines(rows: tuple[RunRow, ...], sort: Sort, now: float, box: Box) -> tuple[Line, ...]:
    """A heading, then a line a run."""
    ordered = sorted(rows, key=_KEYS[sort])
    name = min(_MOST_NAME, max([_LEAST_NAME, *(len(row.name) for row in rows)]), max(_LEAST_NAME, box.width // 4))
    wide, middle = box.width >= _WIDE, box.width >= _MIDDLE
    opened = _OPENED if middle else _LEAST_OPENED
    fixed = name + 1 + _STATE + _STEP + _GRADE + _AGE + opened
    fixed += (_ALGORITHM if wide else 0) + (_VALUE + _SHARE if middle else 0)
    chart = min(_MOST_CHART, box.width - fixed - 2)
    columns = _Columns(name, wide, middle, chart if chart >= _LEAST_CHART else 0, opened)
    head = "".join(
        (
            left("run", name + 1),
            left("state", _STATE),
            left("algorithm", _ALGORITHM) if wide else "",
            right("step", _STEP - 2) + "  ",
            " " * (_SHARE if middle else 0),
            right("latest", _VALUE - 2) + "  " if middle else "",
            left("reward", columns.chart + 2) if columns.chart else "",
            left("health", _GRADE),
            left("open findings", opened),
            "last sign",
        )
    )
    return (line(Span(left(head, box.width).rstrip(), Tone.DIM)), *(_row(row, columns, now, box) for row in ordered))


@dataclass(frozen=True, slots=True)
class _Columns:
    name: int
    algorithm: bool
    value: bool
    chart: int
    opened: int


def _row(row: RunRow, columns: _Columns, now: float, box: Box) -> Line:
    opens = RunPage(f"run:{row.path}", row.name, lambda _view, _box: (), run=row.name)
    name = Span(left(row.name, columns.name) + " ", Tone.STRONG)
    if row.state is None:
        return line(name, Span("reading …", Tone.DIM), opens=opens)
    if row.problem:
        return cut(line(name, Span(row.problem, Tone.WARNING), opens=opens), box.width)
    said = f"{STATE_GLYPHS[row.state]} {row.state.value}"
    state = (Span(said, STATE_TONES[row.state]), " " * (_STATE - len(said)))
    chart = Span("")
    if columns.chart:
        drawn = "" if row.curve is None else sparkline(row.curve.shape(), columns.chart, box.glyphs).text
        chart = Span(left(drawn, columns.chart + 2), Tone.CHART)
    value = NOTHING if row.latest is None else number(row.latest)
    shown = line(
        name,
        *state,
        Span(left(row.algorithm, _ALGORITHM) if columns.algorithm else "", Tone.DIM),
        right(NOTHING if row.step is None else count(row.step), _STEP - 2) + "  ",
        right(_share(row), _SHARE - 1) + " " if columns.value else "",
        right(value, _VALUE - 2) + "  " if columns.value else "",
        chart,
        _grade(row),
        *_opened(row, columns.opened),
        Span(age(max(0.0, now - row.last_sign)), Tone.DIM),
        opens=opens,
    )
    return cut(shown, box.width)


def _share(row: RunRow) -> str:
    return "" if row.step is None or not row.max_steps else percent(min(1.0, row.step / row.max_steps))


def _grade(row: RunRow) -> Span:
    if row.value is None:
        return Span(left(NOTHING, _GRADE), Tone.DIM)
    tone = health_tone(row.value)
    return Span(left(f"{row.grade} {row.value:.2f}", _GRADE), Tone.HIGH if tone is Tone.CRITICAL else tone)


def _opened(row: RunRow, width: int) -> list[Span]:
    if not row.opened:
        return [Span(left("none", width), Tone.DIM)]
    severity, total = next(iter(row.opened)), sum(row.opened.values())
    more = f" +{total - 1}" if total > 1 else ""
    rule = left(row.worst, max(1, min(len(row.worst), width - 2 - len(SEVERITY_GLYPHS[severity]) - len(more)))).rstrip()
    text = f"{SEVERITY_GLYPHS[severity]} {rule}{more}"
    return [Span(left(text, width), SEVERITY_TONES[severity] if severity.rank < 4 else Tone.HIGH)]
