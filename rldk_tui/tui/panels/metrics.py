"""What the trainer logged: latest value, trend, shape of the whole run, and what is out of its band."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby

import numpy as np

from rldk_tui.charts.format import NOT_MEASURED, count, number, signed
from rldk_tui.charts.glyphs import Glyphs
from rldk_tui.charts.sparkline import Cells, sparkline
from rldk_tui.events import Severity
from rldk_tui.metrics import Direction, lookup, title
from rldk_tui.tui.cells import Box, Drawing, Line, Span, Tone, cut, left, line, right, tail
from rldk_tui.tui.charts_below import charts_below
from rldk_tui.tui.metric_lines import MetricLine
from rldk_tui.tui.metric_notes import newest_log, note_on, outside_band
from rldk_tui.tui.metric_order import metrics_in_order
from rldk_tui.tui.pages.learning import learning_line
from rldk_tui.tui.pages.metric_card import metric_card, metric_page
from rldk_tui.tui.panels import Panel, Place
from rldk_tui.tui.view import View
from rldk_tui.tui.waiting import nothing_to_follow

_LEAST_VALUE, _TREND, _WIDE_TREND = 6, 9, 11
_LEAST_CHART, _MOST_CHART = 6, 120
_WITH_UNITS, _WIDE = 50, 96
"""Columns from which units are shown, and from which nothing is abbreviated."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """Cells for each column; the chart gets what the others leave."""

    title: int
    value: int
    unit: int
    trend: int
    chart: int


def draw(view: View, box: Box) -> Drawing:
    """A row a metric, the algorithm's headline metrics first."""
    names = metrics_in_order(view)
    if not names:
        return Drawing(_none_logged(view, box))
    known = [view.metrics[name] for name in names if name in view.metrics]
    wide = box.width >= _WIDE
    newest = newest_log(view)
    notes = {metric.name: note_on(view, metric, newest, wide=wide) for metric in known}
    columns = _columns(names, known, max(note.width for note in notes.values()), box.width)
    if columns.chart < _LEAST_CHART:
        notes = {name: Span("✖" if note.tone is Tone.HIGH else "", Tone.HIGH) for name, note in notes.items()}
        columns = _columns(names, known, max(note.width for note in notes.values()), box.width)
    looked_at = max((metric.trend.logs for metric in known if metric.trend), default=0)
    over = f"{'in ' if wide else ''}{looked_at} logs" if looked_at else ""
    head = left("", columns.title + 1) + right("latest", columns.value) + " " * (columns.unit + 2)
    rows = [line(Span(left(f"{head}{left(over, columns.trend)} whole run", box.width).rstrip(), Tone.DIM))]
    for name in names:
        metric = view.metrics.get(name)
        start = (_title(name, columns.title), Span(" "))
        if metric is None:
            rows.append(line(*start, Span(NOT_MEASURED, Tone.DIM), opens=metric_card(name)))
            continue
        chart = _chart(view, metric, box, columns.chart)
        gap = Span(" " * (columns.chart + 2 - sum(span.width for span in chart)) if notes[name].text else "")
        unit = Span(f" {left(_unit(metric, wide=wide), columns.unit)} ", Tone.DIM)
        row = line(
            *start,
            _value(view, metric, columns),
            unit,
            _trend(metric, columns),
            Span(" "),
            *chart,
            gap,
            notes[name],
            opens=metric_page(name),
        )
        rows.append(cut(row, box.width))
    learned = learning_line(view)
    footer = (_unusable(view, box),) if learned is None else (cut(learned, box.width), _unusable(view, box))
    if box.height is not None:
        rows += charts_below(view, replace(box, height=box.height - len(rows) - len(footer)))
    return Drawing(tuple(rows), footer, _counted(view, names))


def _columns(names: list[str], known: list[MetricLine], note: int, width: int) -> _Columns:
    wide = width >= _WIDE
    title_width = min(max(len(title(name)) for name in names), max(12, width * 3 // 10))
    value = max(_LEAST_VALUE, *(len(number(metric.latest)) for metric in known))
    unit = 0 if width < _WITH_UNITS else max(len(_unit(metric, wide=wide)) for metric in known)
    trend = _WIDE_TREND if wide else _TREND
    rest = width - (title_width + 1 + value + 1 + unit + 1 + trend + 1)
    chart = rest - (note + 2 if note else 0)
    return _Columns(title_width, value, unit, trend, max(0, min(_MOST_CHART, chart)))


def _none_logged(view: View, box: Box) -> tuple[Line, ...]:
    if view.health.snapshot.tailable:
        return (line(Span("No metric has been logged yet.", Tone.DIM)),)
    return nothing_to_follow(box, "No metric was logged, and nothing here can be followed while the training runs.")


def _counted(view: View, names: list[str]) -> str:
    logged = f"{count(sum(name in view.metrics for name in names))} logged"
    return logged if view.health.snapshot.tailable else f"{logged}, as of the last checkpoint"


def _title(name: str, width: int) -> Span:
    """What people call it; of a trainer's own key the end, which tells `/mean` from `/std`."""
    own = title(name) == name
    return Span(tail(name, width) if own else left(title(name), width), Tone.DIM if own else Tone.PLAIN)


def _unit(metric: MetricLine, *, wide: bool) -> str:
    return metric.unit if wide else metric.unit.replace("token", "tok").replace("sequence", "seq")


def _value(view: View, known: MetricLine, columns: _Columns) -> Span:
    if known.latest is None:
        return Span(right("None", columns.value), Tone.WARNING)
    text = right(number(known.latest), columns.value)
    if not math.isfinite(known.latest):
        return Span(text, Tone.HIGH)
    return Span(text, Tone.HIGH if outside_band(view, known) else Tone.STRONG)


def _trend(known: MetricLine, columns: _Columns) -> Span:
    width = columns.trend
    if known.trend is None:
        return Span(" " * width)
    if not known.trend.clear:
        return Span(left("─", width), Tone.DIM)
    rising = known.trend.change > 0
    wanted = lookup(known.name).direction
    tone = Tone.PLAIN
    if wanted is not Direction.NEITHER:
        tone = Tone.GOOD if rising == (wanted is Direction.UP) else Tone.WARNING
    return Span(left(f"{'▲' if rising else '▼'} {signed(known.trend.change)}", width), tone)


def _chart(view: View, known: MetricLine, box: Box, width: int) -> tuple[Span, ...]:
    """The shape of the run, stretches with a finding on this metric in the finding's tone."""
    cells = _cells(known, width, box.glyphs)
    troubles = [one for one in view.health.findings if one.metric == known.name and one.severity is not Severity.INFO]
    if not troubles:
        return (Span(cells.text, Tone.CHART),)
    tones = [Tone.CHART] * len(cells.text)
    for finding in reversed(troubles):
        first = int(np.searchsorted(cells.last_steps, finding.first_step))
        end = len(tones) if finding.open else int(np.searchsorted(cells.last_steps, finding.last_step)) + 1
        shaded = slice(first, max(first, min(end, len(tones))))
        tone = Tone.WARNING if finding.severity is Severity.WARNING else Tone.HIGH
        tones[shaded] = [tone] * len(tones[shaded])
    parts = groupby(zip(cells.text, tones, strict=True), lambda cell: cell[1])
    return tuple(Span("".join(char for char, _ in part), tone) for tone, part in parts)


@lru_cache(maxsize=256)
def _cells(known: MetricLine, width: int, glyphs: Glyphs) -> Cells:
    return sparkline(known.shape, width, glyphs)


def _unusable(view: View, box: Box) -> Line:
    """How much of what was logged was no number."""
    odd = [known for known in view.metrics.values() if known.not_finite or known.no_value]
    if not odd:
        return line(Span(f"NaN, Inf and None: 0 seen in {count(len(view.metrics))} metrics", Tone.DIM))
    not_finite, none = sum(known.not_finite for known in odd), sum(known.no_value for known in odd)
    worst = sorted(odd, key=lambda known: -(known.not_finite + known.no_value))
    where = ", ".join(known.name for known in worst[:3]) + (" …" if len(worst) > 3 else "")
    text = f"! NaN or Inf {count(not_finite)} · None {count(none)}  in {where}"
    return line(Span(left(text, box.width).rstrip(), Tone.WARNING))


def _wants(view: View, _width: int) -> int:
    return max(4, len(metrics_in_order(view)) + 3)


PANEL = Panel(name="metrics", key="1", order=2, place=Place.LEFT, least=10, wants=_wants, draw=draw)
