"""Where the list of metrics leaves room: what matters most of them, drawn large."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rldk_tui.charts.format import quantity
from rldk_tui.charts.growing import NO_VALUE, NOT_FINITE, Shape
from rldk_tui.metrics import title
from rldk_tui.run import Kind, MetricSeries
from rldk_tui.tui.cells import Box, Line, Span, Tone, line
from rldk_tui.tui.chart_lines import GUTTER, Charted, chart_lines
from rldk_tui.tui.chart_page import extent_of
from rldk_tui.tui.chart_window import ChartWindow
from rldk_tui.tui.metric_order import metrics_in_order
from rldk_tui.tui.pages.metric_card import metric_page
from rldk_tui.tui.view import View

_LEAST, _MOST = 9, 16
"""Rows of a chart, its title and its axis included."""
_AT_ONCE = 3


def charts_below(view: View, box: Box) -> list[Line]:
    """Charts that fill the box, an empty line above each; nothing where it is too low for one."""
    names = _worth_seeing(view)
    room = (box.height or 0) - 1
    many = min(_AT_ONCE, len(names), room // (_LEAST + 1))
    if many < 1:
        return []
    height = min(_MOST, room // many - 1)
    rows: list[Line] = []
    for name in names[:many]:
        opens = replace(metric_page(name), key=f"below:{name}")  # a place of its own for the cursor
        rows += [line(), *(Line(row.spans, opens) for row in _chart(view, name, replace(box, height=height)))]
    return rows


def _worth_seeing(view: View) -> list[str]:
    """The metrics of open findings, the worst first, then the headline metrics."""
    troubled = [finding.metric for finding in view.health.findings if finding.open and finding.rule not in view.muted]
    wanted = [*troubled, *metrics_in_order(view)]
    return [name for name in dict.fromkeys(wanted) if name is not None and name in view.metrics]


def _chart(view: View, name: str, box: Box) -> list[Line]:
    known = view.metrics[name]
    latest = "None" if known.latest is None else quantity(known.latest, known.unit)
    head = line(" " * GUTTER, Span(title(name), Tone.STRONG), f"  {latest}")
    episodes = tuple(finding for finding in view.health.findings if finding.metric == name)
    charted = Charted(_series(name, known.unit, known.shape), band=view.health.band(name), episodes=episodes)
    below = replace(box, height=(box.height or _LEAST) - 1)
    return [head, *chart_lines(charted, ChartWindow(at=-1), extent_of(view), below)]


def _series(name: str, unit: str, shape: Shape) -> MetricSeries:
    """The extremes of each stretch as logs of its last step: as many as a chart can show, however long the run is."""
    odd = np.where(shape.marks & NO_VALUE, int(Kind.NULL), int(Kind.NONFINITE))
    kinds = np.stack([np.full(len(shape), Kind.FINITE), np.full(len(shape), Kind.FINITE), odd], axis=1)
    values = np.stack([shape.low, shape.high, np.full(len(shape), np.nan)], axis=1)
    there = np.stack([~np.isnan(shape.low), ~np.isnan(shape.high), shape.marks & (NOT_FINITE | NO_VALUE) != 0], axis=1)
    steps = np.repeat(shape.last_steps, 3).reshape(-1, 3)
    times = np.full(int(there.sum()), np.nan)
    return MetricSeries(name, unit, steps[there], values[there], kinds[there].astype(np.uint8), times)
