"""Charts of the report as data: what to draw, not how."""

from __future__ import annotations

import math
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from rldk_tui.charts.downsample import downsample
from rldk_tui.charts.format import count, number, quantity
from rldk_tui.charts.line_chart import LineChart, Shade
from rldk_tui.charts.medians import around, medians
from rldk_tui.events import Finding
from rldk_tui.metrics import title
from rldk_tui.run import Kind, MetricSeries, RunSnapshot
from rldk_tui.session import RunHealth


class _Course(TypedDict):
    middle: tuple[tuple[int, float], ...]
    around: tuple[tuple[float, float, int], ...]


POINTS = 240
"""Points of a chart: about one a pixel of a small multiple."""


def step_axis(snapshot: RunSnapshot) -> tuple[int, int]:
    """The first and the last logged step: the axis all charts of a run share."""
    logged = [segment.rows.steps for segment in snapshot.segments if len(segment.rows)]
    if not logged:
        return 0, 1
    return min(int(steps[0]) for steps in logged), max(int(steps[-1]) for steps in logged)


def metric_chart(series: MetricSeries, health: RunHealth) -> LineChart:
    """A metric over the whole run, with its normal band and the episodes that findings tell of."""
    points = downsample(series.steps, series.values, series.kinds, POINTS)
    band = health.band(series.name)
    first, last = step_axis(health.snapshot)
    launches = [int(segment.rows.steps[0]) for segment in health.snapshot.segments[1:] if len(segment.rows)]
    latest = "None" if series.latest is None else quantity(series.latest, series.unit)
    return LineChart(
        label=f"{title(series.name)}, steps {count(first)} to {count(last)}, latest {latest}",
        unit=series.unit,
        steps=tuple(int(step) for step in points.steps),
        values=tuple(
            None if kind == Kind.NULL else float(value) for value, kind in zip(points.values, points.kinds, strict=True)
        ),
        first=first,
        last=last,
        band=None if band is None else (band.low, band.high),
        shades=tuple(_shade(finding) for finding in health.findings if finding.metric == series.name),
        breaks=tuple(launches),
        **_course(series),
    )


def course_chart(
    label: str,
    steps: NDArray[np.int64],
    values: NDArray[np.float64],
    axis: tuple[int, int],
    unit: str = "",
) -> LineChart:
    """What was worked out or measured over the run, on the axis that its metrics have.

    Args:
        label: What it is, for who cannot see it.
        steps: Shape (n,), not falling.
        values: Shape (n,); NaN is a hole.
        axis: The first and the last step.
        unit: Of the values.
    """
    known = np.isfinite(values)
    points = downsample(steps[known], values[known], np.full(int(known.sum()), Kind.FINITE, np.uint8), POINTS)
    first, last = axis
    return LineChart(
        label=f"{label}, steps {count(first)} to {count(last)}",
        unit=unit,
        steps=tuple(points.steps.tolist()),
        values=tuple(points.values.tolist()),
        first=min(first, int(points.steps[0])) if len(points) else first,
        last=max(last, int(points.steps[-1])) if len(points) else last,
    )


def _course(series: MetricSeries) -> _Course:
    """The course of a series of which a chart shows the extremes only, and what lies around it."""
    if len(series) <= POINTS:
        return {"middle": (), "around": ()}
    steps, values = medians(series.steps, series.values)
    low, high, odd = around(series.values)
    return {
        "middle": tuple(zip(steps.tolist(), values.tolist(), strict=True)),
        "around": tuple(zip(low.tolist(), high.tolist(), odd.tolist(), strict=True)),
    }


def evidence_chart(finding: Finding) -> LineChart | None:
    """The metric around an episode with the limit it crossed; None for a finding about no metric."""
    evidence = finding.evidence
    if evidence.metric is None or not evidence.steps:
        return None
    limit = "" if evidence.limit is None else f", limit {number(evidence.limit)}"
    return LineChart(
        label=f"{title(evidence.metric)}, steps {count(evidence.steps[0])} to {count(evidence.steps[-1])}{limit}",
        unit=evidence.unit or "",
        steps=evidence.steps,
        values=evidence.values,
        first=evidence.steps[0],
        last=max(evidence.steps[-1], finding.last_step),
        limit=None if evidence.limit is None or math.isnan(evidence.limit) else evidence.limit,
        shades=(_shade(finding),),
    )


def _shade(finding: Finding) -> Shade:
    state = "still open" if finding.open else "closed"
    label = f"{finding.severity.value}: {finding.rule}, steps {count(finding.first_step)}–{count(finding.last_step)}, {state}"
    return Shade(finding.first_step, finding.last_step, finding.severity.value, label)
