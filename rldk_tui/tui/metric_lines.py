"""What a face needs of each metric, kept up to date at a cost that does not depend on the length of the run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from rldk_tui.charts.growing import NO_VALUE, NOT_FINITE, GrowingShape, Shape, shape_of
from rldk_tui.charts.trend import WINDOW, Trend, trend_of
from rldk_tui.run import Kind, MetricSeries, RunSnapshot

_NULL = int(Kind.NULL)


@dataclass(frozen=True, slots=True, eq=False)
class MetricLine:
    """One metric of a run, ready to be drawn. While nothing new is logged it stays the same object, so its picture can be kept.

    Attributes:
        latest: The newest value; None where None was logged.
        last_step: Where that was.
        gap: Steps between its last logs, as a rule; 0 with a single log.
        not_finite, no_value: How many values so far were NaN or infinite, and how many None.
        pace: How much it rose a second over its last logs; None where the log has no clock.
    """

    name: str
    unit: str
    shape: Shape
    latest: float | None
    last_step: int
    gap: int
    not_finite: int
    no_value: int
    trend: Trend | None
    pace: float | None


@dataclass(slots=True)
class _Known:
    """What was taken in of a metric: rows that will not change, and the last of them as they are."""

    growing: GrowingShape
    recent: MetricSeries
    upto: int


class MetricLines:
    """Follows every metric of one run, snapshot after snapshot. Single user."""

    def __init__(self) -> None:
        self._ground: tuple[object, ...] = ()
        self._extent: tuple[object, ...] = ()
        self._known: dict[str, _Known] = {}
        self._lines: Mapping[str, MetricLine] = {}

    def update(self, snapshot: RunSnapshot) -> Mapping[str, MetricLine]:
        """Every metric as it stands in the snapshot."""
        ground = tuple(
            (segment.key, segment.revision, int(segment.rows.steps[0]) if len(segment.rows) else None)
            for segment in snapshot.segments
        )
        if ground != self._ground:  # a relaunch hides rows of earlier launches, a late source changes some
            self._known.clear()
            self._ground, self._extent = ground, ()
        extent = _extent(snapshot)
        if extent == self._extent:
            return self._lines
        self._extent = extent
        unsettled = _unsettled_from(snapshot)
        lines = {}
        for name in snapshot.shown_names():
            known = self._known.get(name) or _Known(GrowingShape(), snapshot.series(name, 0, -1), -1)
            fresh = snapshot.series(name, first=known.upto + 1)
            settled = int(np.searchsorted(fresh.steps, unsettled))
            self._known[name] = known = _taken(known, _part(fresh, slice(0, settled)))
            drawn = _line(known, _part(fresh, slice(settled, None)))
            if drawn is not None:
                lines[name] = drawn
        self._lines = lines
        return lines


def _extent(snapshot: RunSnapshot) -> tuple[object, ...]:
    """How far the log goes: its rows, and what the newest row, which may still change, says by now."""
    if not snapshot.segments:
        return ()
    rows = snapshot.segments[-1].rows
    newest = rows.start + len(rows) - 1
    cells = [
        (name, column.values[newest].tobytes(), int(column.codes[newest]))
        for name, column in rows.columns.items()
        if newest >= 0
    ]
    return (len(snapshot.segments), len(rows), snapshot.segments[-1].settled, snapshot.info.algorithm, *cells)


def _unsettled_from(snapshot: RunSnapshot) -> int:
    """The first step whose row may still get other values."""
    if not snapshot.segments:
        return 0
    newest = snapshot.segments[-1]
    if newest.settled < len(newest.rows):
        return int(newest.rows.steps[newest.settled])
    return int(np.iinfo(np.int64).max)


def _taken(known: _Known, settled: MetricSeries) -> _Known:
    if not len(settled):
        return known
    known.growing.extend(settled.steps, settled.values, settled.kinds == _NULL)
    return _Known(known.growing, _last(known.recent, settled), int(settled.steps[-1]))


def _line(known: _Known, trial: MetricSeries) -> MetricLine | None:
    recent = _last(known.recent, trial)
    if not len(recent):
        return None
    newest = shape_of(trial.steps, trial.values, trial.kinds == _NULL)
    marks = newest.marks.tolist()
    return MetricLine(
        name=recent.name,
        unit=trial.unit,
        shape=known.growing.shape(newest),
        latest=recent.latest,
        last_step=int(recent.steps[-1]),
        gap=int(median(np.diff(recent.steps[-16:]).tolist())) if len(recent) > 1 else 0,
        not_finite=known.growing.not_finite + marks.count(NOT_FINITE),
        no_value=known.growing.no_value + marks.count(NO_VALUE),
        trend=trend_of(recent.values),
        pace=_pace(recent),
    )


def _pace(recent: MetricSeries) -> float | None:
    usable = np.flatnonzero(np.isfinite(recent.times) & np.isfinite(recent.values))
    if usable.size < 2:
        return None
    first, last = usable[0], usable[-1]
    seconds = float(recent.times[last]) - float(recent.times[first])
    pace = (float(recent.values[last]) - float(recent.values[first])) / seconds if seconds > 0 else math.nan
    return pace if math.isfinite(pace) else None


def _part(series: MetricSeries, part: slice) -> MetricSeries:
    return MetricSeries(
        series.name, series.unit, series.steps[part], series.values[part], series.kinds[part], series.times[part]
    )


def _last(earlier: MetricSeries, later: MetricSeries) -> MetricSeries:
    """The newest `WINDOW` cells of two parts of a series."""
    if not len(later):
        return earlier

    def join(first: NDArray[np.generic], second: NDArray[np.generic]) -> NDArray[np.generic]:
        return np.concatenate([first, second[-WINDOW:]])[-WINDOW:]

    return MetricSeries(
        later.name,
        later.unit,
        join(earlier.steps, later.steps),  # type: ignore[arg-type]
        join(earlier.values, later.values),  # type: ignore[arg-type]
        join(earlier.kinds, later.kinds),  # type: ignore[arg-type]
        join(earlier.times, later.times),  # type: ignore[arg-type]
    )
