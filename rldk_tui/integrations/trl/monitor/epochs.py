"""What each pass over the data was like: mean, spread, extremes and trend of every monitored series."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from rldk_tui.integrations.trl.monitor.trend import Trend, trend_of
from rldk_tui.statistics.thinned import ThinnedPast, means, thinned
from rldk_tui.statistics.trend import LARGEST
from rldk_tui.statistics.windows import Floats

_MOST_KEPT = 1000
_PENDING = 64


@dataclass(frozen=True, slots=True)
class EpochStatistics:
    """One series within one epoch; `std` is unbiased and None of a single log, `trend` None of fewer than twelve."""

    mean: float
    std: float | None
    min: float
    max: float
    count: int
    trend: Trend | None


@dataclass(frozen=True, slots=True)
class EpochSummary:
    """One epoch, counted from 1; `complete` once a later one has begun. Values that are not finite are left out."""

    epoch: int
    first_step: int
    last_step: int
    complete: bool
    metrics: Mapping[str, EpochStatistics]


class _Series:
    """One series while its epoch lasts: running moments (Welford), and at most 256 means for the trend."""

    def __init__(self, step: int) -> None:
        self.first_step = self.last_step = step
        self.count, self.mean, self.squares = 0, 0.0, 0.0
        self.min, self.max = math.inf, -math.inf
        self._pending: list[float] = []
        self._past = ThinnedPast()

    def add(self, step: int, value: float) -> None:
        self.last_step = step
        self.count += 1
        away = value - self.mean
        self.mean += away / self.count
        self.squares += away * (value - self.mean)
        self.min, self.max = min(self.min, value), max(self.max, value)
        self._pending.append(value)
        if len(self._pending) == _PENDING:
            self._past, self._pending = thinned(np.array(self._pending), self._past), []

    def statistics(self) -> EpochStatistics:
        std = math.sqrt(self.squares / (self.count - 1)) if self.count > 1 else None
        past: Floats = means(thinned(np.array(self._pending), self._past))
        return EpochStatistics(self.mean, std, self.min, self.max, self.count, trend_of(past, self.first_step, self.last_step))


class EpochLog:
    """Fed one log at a time; keeps the epoch that lasts and the summaries of the newest ones before it."""

    def __init__(self) -> None:
        self._closed: deque[EpochSummary] = deque(maxlen=_MOST_KEPT)
        self._epoch = 0
        self._steps = (0, 0)
        self._series: dict[str, _Series] = {}

    def feed(self, step: int, epoch: float | None, values: Mapping[str, float]) -> None:
        """One log. An epoch ends with the log that reaches its end; where none is told, all is the first."""
        number = max(1, math.ceil(epoch - 1e-9)) if epoch is not None and math.isfinite(epoch) else max(1, self._epoch)
        if number != self._epoch:
            if self._series:
                self._closed.append(self._summary(complete=True))
            self._epoch, self._series, self._steps = number, {}, (step, step)
        self._steps = (self._steps[0], step)
        for name, value in values.items():
            if math.isfinite(value):
                series = self._series.setdefault(name, _Series(step))
                series.add(step, min(max(value, -LARGEST), LARGEST))

    def epochs(self) -> tuple[EpochSummary, ...]:
        """All that are kept, the one that lasts at the end."""
        return (*self._closed, *([self._summary(complete=False)] if self._series else []))

    def _summary(self, *, complete: bool) -> EpochSummary:
        found = {name: series.statistics() for name, series in self._series.items()}
        return EpochSummary(self._epoch, *self._steps, complete, MappingProxyType(found))
