"""A comparison as data for a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rldk_tui.charts.downsample import downsample
from rldk_tui.charts.format import count
from rldk_tui.charts.line_chart import Beside, LineChart
from rldk_tui.charts.medians import medians
from rldk_tui.comparison import Axis, Comparison, Judgement, Outcome, Pair
from rldk_tui.comparison.alignment import curve
from rldk_tui.comparison.prose import parting, told
from rldk_tui.events import Json
from rldk_tui.metrics import lookup, title
from rldk_tui.report.texts import written
from rldk_tui.session import RunHealth

MOST_CHARTS = 36
"""Metrics that are drawn: the aim, then those that differ by more than noise."""
_POINTS, _DENSE = 240, 120


@dataclass(frozen=True, slots=True)
class RunCard:
    """One of the runs; `place` counts them from 0, which is the one the others are compared with."""

    place: int
    name: str
    state: str
    grade: str
    score: float | None
    step: int | None
    algorithm: str | None
    serious: int


@dataclass(frozen=True, slots=True)
class Row:
    """A metric of a pair."""

    title: str
    unit: str
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Change:
    """A setting or a rule in which they differ, as it is written."""

    name: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class PairPart:
    """A run against the first."""

    name: str
    says: tuple[str, ...]
    parting: str
    outcome: Outcome
    rows: tuple[Row, ...]
    noise: int
    unknown: int
    settings: tuple[Change, ...]
    findings: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Overlay:
    """A metric of all runs in one chart."""

    name: str
    title: str
    unit: str
    chart: LineChart


@dataclass(frozen=True, slots=True)
class ComparisonPage:
    """Everything the page shows.

    Attributes:
        axis: What the charts are drawn along.
        more: Metrics that differ beyond those drawn.
    """

    title: str
    made_at: float
    axis: Axis
    runs: tuple[RunCard, ...]
    pairs: tuple[PairPart, ...]
    charts: tuple[Overlay, ...]
    more: int


def page_of(comparison: Comparison, heading: str | None = None) -> ComparisonPage:
    """The page's data."""
    names = _telling(comparison)
    return ComparisonPage(
        title=heading or ", ".join(run.snapshot.name for run in comparison.runs),
        made_at=max(run.snapshot.taken_at for run in comparison.runs),
        axis=comparison.axis,
        runs=tuple(_card(place, run) for place, run in enumerate(comparison.runs)),
        pairs=tuple(_part(comparison.first, pair) for pair in comparison.pairs),
        charts=tuple(_overlay(comparison, name) for name in names[:MOST_CHARTS]),
        more=max(0, len(names) - MOST_CHARTS),
    )


def _telling(comparison: Comparison) -> list[str]:
    """What decides, then what differs, each once."""
    aims = [pair.aim.metric for pair in comparison.pairs if pair.aim is not None]
    apart = [one.metric for pair in comparison.pairs for one in pair.metrics if _clear(one)]
    return list(dict.fromkeys([*aims, *sorted(apart, key=lambda name: lookup(name).headline or 1000)]))


def _clear(one: Judgement) -> bool:
    return one.outcome not in (Outcome.NOISE, Outcome.UNKNOWN)


def _card(place: int, run: RunHealth) -> RunCard:
    algorithm = run.snapshot.info.algorithm
    return RunCard(
        place=place,
        name=run.snapshot.name,
        state=run.snapshot.state.value,
        grade=run.score.grade,
        score=run.score.value,
        step=run.snapshot.step,
        algorithm=None if algorithm is None else algorithm.value.upper().replace("_", " "),
        serious=len({finding.rule for finding in run.findings if finding.severity.rank >= 3}),
    )


def _part(first: RunHealth, pair: Pair) -> PairPart:
    algorithm = first.snapshot.info.algorithm
    return PairPart(
        name=pair.run.snapshot.name,
        says=told(first, pair),
        parting=parting(pair),
        outcome=Outcome.UNKNOWN if pair.aim is None else pair.aim.outcome,
        rows=tuple(Row(title(one.metric), lookup(one.metric).unit_in(algorithm), one) for one in pair.metrics if _clear(one)),
        noise=sum(one.outcome is Outcome.NOISE for one in pair.metrics),
        unknown=sum(one.outcome is Outcome.UNKNOWN for one in pair.metrics),
        settings=tuple(Change(one.name, _said(one.first), _said(one.second)) for one in pair.settings),
        findings=tuple(Change(one.name, _said(one.first), _said(one.second)) for one in pair.findings),
    )


def _said(value: Json) -> str:
    return "–" if value is None else written(value)


def _overlay(comparison: Comparison, name: str) -> Overlay:
    """The first run with its extremes, the others by their medians where they are dense."""
    courses = [course for run in comparison.runs for course in _course(run, name, comparison.axis)]
    first, *others = courses
    ends = [step for course in courses for step in (course.steps[:1] + course.steps[-1:])]
    unit = lookup(name).unit_in(comparison.first.snapshot.info.algorithm)
    chart = LineChart(
        label=f"{title(name)} of {count(len(courses))} runs",
        unit=unit,
        steps=first.steps,
        values=first.values,
        first=min(ends, default=0),
        last=max(ends, default=1),
        beside=tuple(others),
        name=first.label,
        along="step" if comparison.axis is Axis.STEP else "token",
    )
    return Overlay(name, title(name), unit, chart)


def _course(run: RunHealth, name: str, axis: Axis) -> Iterator[Beside]:
    whole = curve(run.snapshot, name, axis)
    places, values = whole.places.astype(np.int64), whole.values
    if places.size > _DENSE:
        places, values = medians(places, values, _DENSE)
    points = downsample(places, values, np.ones(places.size, np.uint8), _POINTS)
    yield Beside(run.snapshot.name, tuple(points.steps.tolist()), tuple(points.values.tolist()))
