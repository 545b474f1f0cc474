"""A metric's chart as lines of cells: axes, band, episodes, crosshair, and other metrics beside the same crosshair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rldk_tui.charts.by_step import along_steps, column_of
from rldk_tui.charts.columns import Columns
from rldk_tui.charts.format import number
from rldk_tui.charts.layers import layered
from rldk_tui.events import Finding, Severity
from rldk_tui.metrics import Band
from rldk_tui.run import Kind, MetricSeries
from rldk_tui.tui.cells import Box, Line, Span, Tone, line, right
from rldk_tui.tui.chart_axes import ValueAxis, step_labels, value_axis
from rldk_tui.tui.chart_window import ChartWindow, smoothed
from rldk_tui.tui.tones import SEVERITY_TONES

GUTTER = 10
"""Cells left of a chart for its numbers."""
_SIGNS = ".#*"
"""The baseline, the metric and its mean, where there are no dots."""
_TONES = {**SEVERITY_TONES, Severity.CRITICAL: Tone.HIGH}
"""A long bar in reverse would shout down everything else."""
_NO_STEPS = MetricSeries("", "", np.empty(0, np.int64), np.empty(0), np.empty(0, np.uint8), np.empty(0))


@dataclass(frozen=True, slots=True)
class Charted:
    """What is drawn in one chart.

    Attributes:
        baseline: The same metric of another run; empty without one.
        band: Normal values.
        episodes: The findings on this metric, the worst first.
    """

    series: MetricSeries
    baseline: MetricSeries = _NO_STEPS
    band: Band | None = None
    episodes: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class _Mark:
    """What a cell of the picture is apart from the lines in it."""

    crosshair: bool
    shaded: bool
    tone: Tone


def chart_lines(charted: Charted, window: ChartWindow, extent: tuple[int, int], box: Box, *, axis: bool = True) -> list[Line]:
    """The chart in all of the box: rows of the picture, then the step axis where it is asked for."""
    cells, rows = max(4, box.width - GUTTER), max(1, (box.height or 1) - 2 * axis)
    shown = window.bounds(extent)
    lines = _lines(charted, window, shown, cells * box.plot_glyphs.across)
    span = _span(lines)
    if span is None:
        return [_empty(charted, window), *[line()] * (rows - 1), *(_axis(shown, cells) if axis else [])]
    band = charted.band
    scale = value_axis(*span, (None, None) if band is None else (band.low, band.high), log=window.log)
    marks = _marks(charted, window, shown, cells)
    labels = scale.labels(rows)
    edges = _edges(band, scale, rows)
    picture = layered(lines, _SIGNS, scale.span, rows, box.plot_glyphs)
    tones = (Tone.ACCENT, Tone.DIM if window.smoothing > 1 else Tone.CHART, Tone.CHART)
    drawn = []
    for place, row in enumerate(picture):
        at = rows - 1 - place
        floor = [box.plot_glyphs.mark(bits) for bits in _marks_in(lines[1], cells)] if at == 0 else [""] * cells
        spans: list[Span] = []
        for cell, mark, odd in zip(row, marks, floor, strict=True):
            text, tone = cell.text, tones[cell.layer]
            if odd:
                text, tone = odd, Tone.HIGH
            elif text == " ":
                text, tone = _blank(mark, box, edge=at in edges)
            elif cell.layer > 0 and mark.tone is not Tone.PLAIN and tone is Tone.CHART:
                tone = mark.tone
            _append(spans, Span(text, Tone.STRONG if mark.crosshair and tone is Tone.CHART else tone, shaded=mark.shaded))
        drawn.append(line(Span(right(labels.get(at, ""), GUTTER - 2) + " ", Tone.DIM), Span("│", Tone.DIM), *spans))
    return [*drawn, *(_axis(shown, cells) if axis else [])]


def value_at(series: MetricSeries, step: int | None) -> tuple[int, int] | None:
    """The place in a series of the log at this step, or of the last one before it, and its step; None before the first."""
    if not len(series):
        return None
    place = len(series) - 1 if step is None else int(np.searchsorted(series.steps, step, side="right")) - 1
    return None if place < 0 else (place, int(series.steps[place]))


def written(series: MetricSeries, place: int, digits: int = 5) -> str:
    """The value at a place, as it was logged."""
    return "None" if series.kinds[place] == Kind.NULL else number(float(series.values[place]), digits)


def _lines(charted: Charted, window: ChartWindow, shown: tuple[int, int], columns: int) -> tuple[Columns, ...]:
    """The baseline, the metric, and its mean where one is asked for."""
    series, baseline = charted.series, charted.baseline
    lines = [
        _columns(baseline, baseline.values, window, shown, columns),
        _columns(series, series.values, window, shown, columns),
    ]
    if window.smoothing > 1:
        lines[0] = _columns(baseline, smoothed(baseline.values, window.smoothing), window, shown, columns)
        lines.append(_columns(series, smoothed(series.values, window.smoothing), window, shown, columns))
    return tuple(lines)


def _columns(
    series: MetricSeries, values: NDArray[np.float64], window: ChartWindow, shown: tuple[int, int], columns: int
) -> Columns:
    none = series.kinds == Kind.NULL
    if window.log:
        positive = values > 0
        with np.errstate(divide="ignore", invalid="ignore"):
            drawn = np.where(positive, np.log10(np.where(positive, values, 1.0)), values)
        lost = np.isfinite(values) & ~positive
        kept = ~lost
        return along_steps(series.steps[kept], drawn[kept], none[kept], shown, columns)
    return along_steps(series.steps, values, none, shown, columns)


def _span(lines: tuple[Columns, ...]) -> tuple[float, float] | None:
    known = [span for columns in lines if (span := columns.span()) is not None]
    return (min(low for low, _ in known), max(high for _, high in known)) if known else None


def _empty(charted: Charted, window: ChartWindow) -> Line:
    why = "nothing above 0 was logged in this part of the run" if window.log else "no number was logged in this part of the run"
    if not len(charted.series):
        why = "not logged"
    return line(" " * GUTTER, Span(why, Tone.DIM))


def _marks(charted: Charted, window: ChartWindow, shown: tuple[int, int], cells: int) -> list[_Mark]:
    """Crosshair and episodes, by cell."""
    point = value_at(charted.series, window.at)
    at = -1
    if point is not None and shown[0] <= point[1] <= shown[1]:
        at = int(column_of(np.array([point[1]]), shown, cells)[0])
    tones = [Tone.PLAIN] * cells
    shaded = [False] * cells
    for finding in reversed(charted.episodes):
        for cell in _cells_of(finding, shown, cells):
            tones[cell] = _TONES[finding.severity]
            shaded[cell] = True
    return [_Mark(cell == at, shaded[cell], tones[cell]) for cell in range(cells)]


def _cells_of(finding: Finding, shown: tuple[int, int], cells: int) -> range:
    """The cells of an episode; an open one goes on to the end."""
    last = shown[1] if finding.open else finding.last_step
    if finding.first_step > shown[1] or last < shown[0]:
        return range(0)
    ends = np.array([max(finding.first_step, shown[0]), min(last, shown[1])])
    begin, end = column_of(ends, shown, cells).tolist()
    return range(begin, end + 1)


def _marks_in(columns: Columns, cells: int) -> list[int]:
    across = len(columns) // cells
    return [int(bits) for bits in np.bitwise_or.reduce(columns.marks.reshape(cells, across), axis=1)]


def _edges(band: Band | None, scale: ValueAxis, rows: int) -> set[int]:
    """The rows in which the band ends."""
    if band is None:
        return set()
    return {row for end in (band.low, band.high) if end is not None and (row := scale.row(end, rows)) is not None}


def _blank(mark: _Mark, box: Box, *, edge: bool) -> tuple[str, Tone]:
    if mark.crosshair:
        return "│", Tone.STRONG
    return (box.plot_glyphs.dashed, Tone.WARNING) if edge else (" ", Tone.PLAIN)


def _axis(shown: tuple[int, int], cells: int) -> list[Line]:
    """The line below the picture and its numbers."""
    text, places = step_labels(shown, cells)
    ruler = ["─"] * cells
    for place in places:
        ruler[place] = "┬"
    gutter = " " * (GUTTER - 1)
    return [line(Span(f"{gutter}└{''.join(ruler)}", Tone.DIM)), line(Span(f"{gutter} {text}", Tone.DIM))]


def episode_strips(episodes: tuple[Finding, ...], shown: tuple[int, int], cells: int, most: int) -> list[Line]:
    """A line for each episode in the window, the worst first: where it lies, and the rule's name on it."""
    rows = []
    for finding in episodes:
        place = _cells_of(finding, shown, cells)
        if not place:
            continue
        name = f" {finding.rule} "
        bar = f"━{name}".ljust(len(place), "━") if len(place) > len(name) + 1 else "━" * len(place)
        beside = "" if len(place) > len(name) + 1 else name.rstrip()
        start = place.start
        if beside and start + len(place) + len(beside) > cells:
            start, bar, beside = max(0, place.stop - len(bar) - len(beside)), f"{beside.strip()} {bar}", ""
        tone = _TONES[finding.severity]
        rows.append(line(" " * (GUTTER + start), Span(bar, tone), Span(beside, Tone.DIM)))
    more = len(rows) - most
    if more > 0:
        rows = [*rows[: most - 1], line(" " * GUTTER, Span(f"and {more + 1} more findings on this metric here", Tone.DIM))]
    return rows


def _append(spans: list[Span], new: Span) -> None:
    if spans and spans[-1].tone is new.tone and spans[-1].shaded == new.shaded:
        spans[-1] = Span(spans[-1].text + new.text, new.tone, shaded=new.shaded)
    else:
        spans.append(new)
