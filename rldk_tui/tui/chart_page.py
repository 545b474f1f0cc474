"""The chart screen as lines: a metric in large, what the crosshair points at, and other metrics at the same steps."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from rldk_tui.charts.format import NOTHING, count, number
from rldk_tui.charts.severity import SEVERITY_GLYPHS
from rldk_tui.events import Finding
from rldk_tui.metrics import Band, title
from rldk_tui.run import MetricSeries
from rldk_tui.tui.cells import Box, Line, Span, Tone, cut, left, line, spread
from rldk_tui.tui.chart_lines import GUTTER, Charted, chart_lines, episode_strips, value_at, written
from rldk_tui.tui.chart_window import ChartWindow, smoothed
from rldk_tui.tui.metric_order import metrics_in_order
from rldk_tui.tui.tones import SEVERITY_TONES
from rldk_tui.tui.view import View

HEAD = 3
"""Lines above the picture."""
_STRIPS = 3
_LEAST, _COMPANION = 9, 6
"""Rows of the picture that come before everything else, and rows of a metric beside it, its heading included."""
_MOST_COMPANIONS = 3


def draw_chart(view: View, name: str, window: ChartWindow, box: Box, *, alone: bool = False) -> tuple[Line, ...]:
    """Everything but the keys, in exactly the box; `alone` leaves the other metrics out."""
    extent = extent_of(view)
    charted = charted_of(view, name)
    shown = window.bounds(extent)
    strips = episode_strips(charted.episodes, shown, max(4, box.width - GUTTER), _STRIPS)
    height = box.height or HEAD + _LEAST
    room = height - HEAD - len(strips)
    beside = [] if alone else companions(view, name)
    many = max(0, min(_MOST_COMPANIONS, len(beside), (room - max(_LEAST + 2, room // 2)) // _COMPANION))
    rows = [*_head(view, charted, window, extent, box)]
    rows += chart_lines(charted, window, extent, replace(box, height=max(3, room - many * _COMPANION)))
    rows += strips
    for other in beside[:many]:
        rows += _companion(view, other, charted, window, extent, box)
    return tuple(cut(row, box.width) for row in rows[:height])


def extent_of(view: View) -> tuple[int, int]:
    """The first and the last logged step: the axis that all charts of a run share."""
    logged = [segment.rows.steps for segment in view.health.snapshot.segments if len(segment.rows)]
    if not logged:
        return 0, 1
    return min(int(steps[0]) for steps in logged), max(int(steps[-1]) for steps in logged)


def charted_of(view: View, name: str) -> Charted:
    """A metric with everything that is drawn beside it."""
    series = view.health.snapshot.series(name)
    episodes = tuple(finding for finding in view.health.findings if finding.metric == name)
    if view.baseline is None:
        return Charted(series, band=view.health.band(name), episodes=episodes)
    return Charted(series, view.baseline.series(name), view.health.band(name), episodes)


def companions(view: View, name: str) -> list[str]:
    """Metrics worth seeing beside this one: those in trouble, then the headline metrics."""
    ordered = [other for other in metrics_in_order(view) if other in view.metrics and other != name]
    troubled = {finding.metric for finding in view.health.findings if finding.open}
    return sorted(ordered, key=lambda other: other not in troubled)


def _head(view: View, charted: Charted, window: ChartWindow, extent: tuple[int, int], box: Box) -> list[Line]:
    series = charted.series
    first, last = window.bounds(extent)
    own = f"  {series.name}" if title(series.name) != series.name else ""
    unit = f" {series.unit}" if series.unit else ""
    whole = (first, last) == extent
    facts = [
        f"steps {count(first)}–{count(last)}" + ("" if whole else f" of {count(extent[1])}"),
        f"mean of {window.smoothing} logs" if window.smoothing > 1 else "",
        "log scale" if window.log else "",
    ]
    settings = line(Span(" · ".join(fact for fact in facts if fact), Tone.DIM))
    head = line(Span(title(series.name), Tone.STRONG), Span(unit, Tone.DIM), Span(own, Tone.DIM))
    return [spread(head, settings, box.width), _readout(charted, window, view), _beside(view, charted, window, box)]


def _readout(charted: Charted, window: ChartWindow, view: View) -> Line:
    """What was logged at the crosshair, and what was found there."""
    series = charted.series
    point = value_at(series, window.at)
    if point is None:
        return line(Span("not logged" if not len(series) else "not logged yet at this step", Tone.DIM))
    place, step = point
    parts: list[str | Span] = [
        Span(f"step {count(step)}  ", Tone.ACCENT),
        Span(written(series, place), Tone.STRONG if np.isfinite(series.values[place]) else Tone.HIGH),
    ]
    if window.smoothing > 1:
        mean = float(smoothed(series.values[max(0, place + 1 - window.smoothing) : place + 1], window.smoothing)[-1])
        parts.append(Span(f"  mean {number(mean, 4)}", Tone.DIM))
    if view.baseline is not None:
        other = value_at(charted.baseline, step)
        text = NOTHING if other is None else written(charted.baseline, other[0], 4)
        where = "" if other is None or other[1] == step else f" at step {count(other[1])}"
        parts.append(Span(f"  {view.baseline.name} {text}{where}", Tone.ACCENT))
    if charted.band is not None:
        parts.append(_band(charted.band, float(series.values[place])))
    when = float(series.times[place])
    if np.isfinite(when):
        parts.append(Span(f"  {time.strftime('%d %b %H:%M:%S', time.localtime(when))}", Tone.DIM))
    here = [finding for finding in charted.episodes if _holds(finding, step)]
    for finding in here[:2]:
        glyph = SEVERITY_GLYPHS[finding.severity]
        parts.append(Span(f"  {glyph} {finding.rule}", SEVERITY_TONES[finding.severity]))
    return line(*parts)


def _holds(finding: Finding, step: int) -> bool:
    return finding.first_step <= step and (finding.open or step <= finding.last_step)


def _band(band: Band, value: float) -> Span:
    inside = band.holds(value)
    return Span(f"  {'in band' if inside else '✖ outside'} {band}", Tone.DIM if inside else Tone.HIGH)


def _beside(view: View, charted: Charted, window: ChartWindow, box: Box) -> Line:
    """The other metrics at the crosshair's step, as many as there is room for."""
    parts: list[Span] = []
    point = value_at(charted.series, window.at)
    step = window.at if point is None else point[1]
    used = 0
    for name in companions(view, charted.series.name):
        series = _at_step(view, name, step)
        known = value_at(series, step)
        label = left(title(name), min(22, len(title(name))))
        text = NOTHING if known is None else written(series, known[0], 3)
        used += len(label) + len(text) + 4
        if used > box.width:
            break
        parts += [Span(f"{label} ", Tone.DIM), Span(text), Span("   ")]
    return line(*parts)


def _at_step(view: View, name: str, step: int | None) -> MetricSeries:
    """The logs of a metric shortly before a step; the whole series is not needed to tell one value."""
    if step is None:
        return view.health.snapshot.series(name)
    known = view.metrics.get(name)
    return view.health.snapshot.series(name, step - max(16, 4 * known.gap if known else 0), step)


def _companion(view: View, name: str, charted: Charted, window: ChartWindow, extent: tuple[int, int], box: Box) -> list[Line]:
    other = charted_of(view, name)
    point = value_at(charted.series, window.at)
    step = window.at if point is None else point[1]
    known = value_at(other.series, step)
    text = NOTHING if known is None else written(other.series, known[0])
    unit = f" {other.series.unit}" if other.series.unit else ""
    head = line(Span(" " * GUTTER), Span(title(name), Tone.STRONG), f"  {text}", Span(unit, Tone.DIM))
    at_step = replace(window, at=step)
    return [head, *chart_lines(other, at_step, extent, replace(box, height=_COMPANION - 1), axis=False)]
