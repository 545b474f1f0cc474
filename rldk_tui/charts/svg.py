"""A line chart as SVG: numbers in, text out, no library and no markup of anybody else's in it.

Colours stand in the elements, so the picture is whole where no style sheet reaches (PDF, an image viewer); the classes
let a page restyle it (dark mode).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from rldk_tui.charts.format import count, number
from rldk_tui.charts.line_chart import LineChart
from rldk_tui.charts.readings import around_attributes, frame_attributes, series_attributes
from rldk_tui.charts.scale import Scale, scale_of, ticks
from rldk_tui.charts.text import one_line

_TONES = {"critical": "#b42318", "high": "#c2410c", "warning": "#a16207", "info": "#64748b"}
BESIDE = ("#c2410c", "#15803d", "#7e22ce", "#0e7490", "#a16207", "#be185d", "#475569")
"""Colours of other runs' lines, in their order."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 42.0, 8.0, 8.0, 16.0
_FONT = 10
_LONGEST_TEXT = 300
_MARK = 2.5
"""Half the width of a mark; marks nearer than twice that are drawn as one."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """The inner box of a chart and how numbers map into it."""

    width: float
    height: float
    steps: Scale
    values: Scale

    def x(self, step: float) -> float:
        return _LEFT + self.steps.share(step) * (self.width - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return self.height - _BOTTOM - self.values.share(value) * (self.height - _TOP - _BOTTOM)


def line_chart(chart: LineChart, width: int, height: int, *, readings: bool = False) -> str:
    """The chart in a box of `width` × `height`, to be scaled by whoever places it.

    Args:
        chart: What to draw.
        width: In user units; the text is 10 of them high.
        height: In user units.
        readings: Whether the numbers are in it too, for a page's script that tells them (report_templates/charts.js).
    """
    known = [value for value in chart.values if value is not None and math.isfinite(value)]
    known += [value for other in chart.beside for value in other.values if math.isfinite(value)]
    limit = chart.limit if chart.limit is not None and math.isfinite(chart.limit) else None
    frame = _Frame(
        width,
        height,
        Scale(chart.first, max(chart.last, chart.first + 1)),
        scale_of(known if limit is None else [*known, limit]),
    )
    parts = [
        *_axes(chart, frame, bool(known)),
        *_limit(limit, frame),
        '<g class="course">',
        *_shading(chart, frame),
        *_lines(chart, frame, readings=readings),
        *_beside(chart, frame, readings=readings),
        *_marks(chart, frame),
        "</g>",
    ]
    box = (_LEFT, _TOP, width - _RIGHT, height - _BOTTOM)
    told = frame_attributes(box, (chart.first, max(chart.last, chart.first + 1)), frame.values) if readings else ""
    if readings and chart.along != "step":
        told += f' data-along="{_told(chart.along)}"'
    if readings and chart.unit:
        told += f' data-unit="{_told(chart.unit)}"'
    return (
        f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"{told} '
        f'aria-label="{_told(chart.label)}" font-size="{_FONT}" font-family="sans-serif">{"".join(parts)}</svg>'
    )


def _told(text: str) -> str:
    """A run's own text, harmless, bounded and escaped."""
    return escape(one_line(text, _LONGEST_TEXT))


def _shading(chart: LineChart, frame: _Frame) -> Iterator[str]:
    top, bottom = _TOP, frame.height - _BOTTOM
    if chart.band is not None:
        low, high = chart.band
        upper = top if high is None else min(bottom, max(top, frame.y(high)))
        lower = bottom if low is None else min(bottom, max(top, frame.y(low)))
        if lower > upper:
            yield _rectangle("band", _LEFT, upper, frame.width - _RIGHT, lower, "#15803d", 0.09)
    for shade in chart.shades:
        left, right = frame.x(max(shade.first, chart.first)), frame.x(min(shade.last, chart.last))
        right = max(right, left + 1.5)
        colour = _TONES.get(shade.tone, _TONES["info"])
        box = _rectangle(f"shade {_told(shade.tone)}", left, top, right, bottom, colour, 0.13)
        yield f"<g><title>{_told(shade.label)}</title>{box}</g>"
    for step in chart.breaks:
        x = frame.x(step)
        yield (
            f'<path class="break" d="M{x:.1f} {top}V{bottom}" stroke="#64748b" stroke-dasharray="1 3" fill="none">'
            f"<title>relaunched at step {count(step)}</title></path>"
        )


def _rectangle(kind: str, left: float, top: float, right: float, bottom: float, colour: str, opacity: float) -> str:
    return (
        f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}" '
        f'fill="{colour}" fill-opacity="{opacity}"/>'
    )


def _axes(chart: LineChart, frame: _Frame, has_values: bool) -> Iterator[str]:
    bottom = frame.height - _BOTTOM
    heights = ticks(frame.values, 2 if frame.height < 130 else 3) if has_values else ()
    lines = "".join(f"M{_LEFT:g} {frame.y(value):.1f}H{frame.width - _RIGHT:g}" for value in heights)
    yield f'<path class="grid" d="{lines}M{_LEFT:g} {bottom:g}H{frame.width - _RIGHT:g}" stroke="#dfe3e8" fill="none"/>'
    for value in heights:
        yield _text(_LEFT - 5, frame.y(value) + 3.5, _short(value), "end")
    yield _text(_LEFT, frame.height - 4, count(chart.first), "start", "tick first")
    if chart.last > chart.first:
        yield _text(frame.width - _RIGHT, frame.height - 4, count(chart.last), "end", "tick last")


def _short(value: float) -> str:
    """A round number as an axis has room for: `120k`."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if 10 * size <= abs(value) < 1000 * size:
            return f"{number(value / size)}{letter}"
    return number(value)


def _text(x: float, y: float, text: str, anchor: str, kind: str = "tick", colour: str = "#56606b") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{_told(text)}</text>'


def _limit(limit: float | None, frame: _Frame) -> Iterator[str]:
    if limit is None:
        return
    y = frame.y(limit)
    yield (
        f'<path class="limit" d="M{_LEFT:g} {y:.1f}H{frame.width - _RIGHT:g}" stroke="#b42318" stroke-width="1.2" '
        'stroke-dasharray="5 3" fill="none"/>'
    )
    above = y - 3 if y > _TOP + 12 else y + 11
    yield _text(frame.width - _RIGHT - 3, above, f"limit {number(limit)}", "end", "limit-label", "#b42318")


def _lines(chart: LineChart, frame: _Frame, *, readings: bool) -> Iterator[str]:
    points = tuple(zip(chart.steps, chart.values, strict=True))
    name = chart.name if chart.beside else ""
    if chart.middle:
        told = _series(name, chart.middle, readings=readings) + (around_attributes(chart.around) if readings else "")
        yield _path("line pale", points, frame, "#a9bfea", 0.8)
        yield _path("line", chart.middle, frame, "#2457c5", 1.6, told)
    else:
        yield _path("line", points, frame, "#2457c5", 1.5, _series(name, points, readings=readings))


def _beside(chart: LineChart, frame: _Frame, *, readings: bool) -> Iterator[str]:
    for place, other in enumerate(chart.beside):
        points = tuple(zip(other.steps, other.values, strict=True))
        colour = BESIDE[place % len(BESIDE)]
        told = _series(other.label, points, readings=readings)
        line = _path(f"line beside-{place % len(BESIDE) + 1}", points, frame, colour, 1.3, told)
        yield f"<g><title>{_told(other.label)}</title>{line}</g>"


def _series(name: str, points: Sequence[tuple[int, float | None]], *, readings: bool) -> str:
    """The numbers of a line, and what it is called, where the picture is to tell them."""
    if not readings:
        return ""
    return series_attributes(points) + (f' data-name="{_told(name)}"' if name else "")


def _path(
    kind: str, points: Sequence[tuple[int, float | None]], frame: _Frame, colour: str, width: float, attributes: str = ""
) -> str:
    """One path, broken where a value was no finite number; a value between two of those is a dot."""
    path: list[str] = []
    dots: list[str] = []
    stretch: list[str] = []
    for step, value in (*points, (0, None)):
        if value is not None and math.isfinite(value):
            stretch.append(f"{frame.x(step):.1f} {frame.y(value):.1f}")
        elif stretch:
            (path if len(stretch) > 1 else dots).append("L".join(stretch))
            stretch = []
    line = "".join(f"M{part}" for part in path)
    rings = "".join(f'<circle class="dot" cx="{x}" cy="{y}" r="2" fill="{colour}"/>' for x, y in (dot.split() for dot in dots))
    return (
        f'<path class="{kind}" d="{line}" fill="none" stroke="{colour}" stroke-width="{width}" '
        f'stroke-linejoin="round" stroke-linecap="round"{attributes}/>{rings}'
    )


def _marks(chart: LineChart, frame: _Frame) -> Iterator[str]:
    """What was no finite number, on the floor of the chart: a cross for NaN and infinities, a ring for None."""
    y, last = frame.height - _BOTTOM, {True: -math.inf, False: -math.inf}
    for step, value in zip(chart.steps, chart.values, strict=True):
        if value is not None and math.isfinite(value):
            continue
        x, none = frame.x(step), value is None
        if x - last[none] < 2 * _MARK:
            continue
        last[none] = x
        told = f"<title>{'None' if none else number(value)} at step {count(step)}</title>"
        if none:
            yield f'<circle class="none" cx="{x:.1f}" cy="{y:g}" r="{_MARK}" fill="#fff" stroke="#b42318">{told}</circle>'
        else:
            corner, side = f"{x - _MARK:.1f} {y - _MARK:g}", 2 * _MARK
            shape = f"M{corner}l{side:g} {side:g}m0 -{side:g}l-{side:g} {side:g}"
            yield f'<path class="not-finite" d="{shape}" fill="none" stroke="#b42318" stroke-width="1.4">{told}</path>'
