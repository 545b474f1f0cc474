"""The one detector of the monitor: values far from what was usual, several close together, as episodes.

The distance is the robust z of the catalogue (`statistics.robust`): from the median of the 64 logs that end five before the
one that is judged, in spreads of their median deviation, on a scale on which the metric's noise does not depend on its level:
the logarithm of value loss and entropy, sign(v) log(1 + |v|) of the KL, which may fall below 0, and the value itself of
reward, policy loss and clipped share. An episode is opened by m of n such logs, since noise has tails heavier than any
threshold, and ended by n logs without one. A value that is no finite number opens one at once.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from rldk_tui.events import Severity
from rldk_tui.integrations.trl.monitor.readings import METRICS
from rldk_tui.statistics.robust import SMALLEST
from rldk_tui.statistics.spread import RELATIVE_FLOOR, TO_SIGMA
from rldk_tui.statistics.trend import LARGEST
from rldk_tui.statistics.windows import Bools, Floats, median


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """When values are an anomaly.

    Attributes:
        threshold: Distance in robust deviations. On noise without any anomaly, correlated up to 0.6 from log to log, 8 opens
            no episode in 10,000 logs of a metric, and 3, as of a plain z-score, up to sixteen.
        m, n: How many of the last logs must be beyond it.
        size: Logs that tell what is usual, `at_least` of them known.
    """

    threshold: float = 8.0
    m: int = 2
    n: int = 5
    size: int = 64
    at_least: int = 20


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One episode in one metric.

    Attributes:
        metric: A name of `MonitoredMetrics`.
        severity: By the distance of the worst value: up to twice the threshold a warning, up to four times high, beyond
            and for what is not finite critical.
        high: Whether the worst value lies above what was usual.
        first_step, last_step: Of the first and the newest value beyond the threshold.
        detected_step: At which the episode was told.
        open: Whether it may go on.
        value: The worst value, `z` its distance, and `usual` the median it is told against, in the metric's own unit.
    """

    metric: str
    severity: Severity
    high: bool
    first_step: int
    last_step: int
    detected_step: int
    open: bool
    value: float
    usual: float
    z: float

    def __str__(self) -> str:
        if not math.isfinite(self.value):
            return f"{self.severity}: {self.metric} is {self.value} at step {self.last_step}"
        side = "above" if self.high else "below"
        return (
            f"{self.severity}: {self.metric} {self.value:.4g} from step {self.first_step} on, "
            f"{abs(self.z):.3g} robust deviations {side} the usual {self.usual:.4g}"
        )


@dataclass(frozen=True, slots=True)
class _Scale:
    """How a metric is judged: on which scale, and the least spread that means anything on it, absolute and relative."""

    to: Callable[[float], float]
    back: Callable[[float], float]
    floor: float
    relative: float


def _same(value: float) -> float:
    return value


def _signed(value: float) -> float:
    return math.copysign(math.log1p(abs(value)), value)


def _unsigned(value: float) -> float:
    return math.copysign(math.expm1(abs(value)), value)


_POSITIVE = _Scale(lambda value: math.log(max(value, SMALLEST)), math.exp, 0.02, 0.0)
_PLAIN = _Scale(_same, _same, 1e-6, RELATIVE_FLOOR)
_SCALES = {
    "kl_div": _Scale(_signed, _unsigned, 0.01, 0.0),
    "policy_loss": _PLAIN,
    "value_loss": _POSITIVE,
    "reward": _PLAIN,
    "clip_ratio": _Scale(_same, _same, 0.02, RELATIVE_FLOOR),
    "entropy": _POSITIVE,
}
_ORDER = tuple(_SCALES[name] for name in METRICS)
_FLOORS = np.array([scale.floor for scale in _ORDER])
_RELATIVE = np.array([scale.relative for scale in _ORDER])
_MOST_KEPT = 1000
_HIGH, _CRITICAL = 2.0, 4.0
"""Thresholds beyond which an episode is more than a warning."""


@dataclass(frozen=True, slots=True)
class _Log:
    """One log as it was judged; arrays of shape (6,), in the order of `METRICS`."""

    step: int
    values: Floats
    z: Floats
    usual: Floats
    far: Bools


class AnomalyDetector:
    """Fed one log at a time; holds the logs it compares with, the open episodes and the newest of the closed ones."""

    def __init__(self, detection: Detection) -> None:
        self._detection = detection
        self._past: Floats = np.full((len(METRICS), detection.size + detection.n), np.nan)
        self._last: deque[_Log] = deque(maxlen=detection.n)
        self._open: dict[str, Anomaly] = {}
        self._closed: deque[Anomaly] = deque(maxlen=_MOST_KEPT)

    @property
    def anomalies(self) -> tuple[Anomaly, ...]:
        """All that are kept, by their first step."""
        return tuple(sorted((*self._closed, *self._open.values()), key=lambda found: (found.first_step, found.metric)))

    def feed(self, step: int, values: Mapping[str, float]) -> list[Anomaly]:
        """The episodes that this log opens. What it does not hold is no sign of anything."""
        log = self._judged(step, values)
        self._last.append(log)
        opened = [found for index in np.flatnonzero(log.far) if (found := self._beyond(int(index)))]
        for name in [name for name in self._open if not any(one.far[METRICS.index(name)] for one in self._last)]:
            self._closed.append(replace(self._open.pop(name), open=False))
        return opened

    def _judged(self, step: int, values: Mapping[str, float]) -> _Log:
        """Each metric's value against its past; NaN where either is not known, an infinite distance for what is not finite."""
        now = np.array([_scaled(scale, values.get(name)) for name, scale in zip(METRICS, _ORDER, strict=True)])
        self._past[:, :-1] = self._past[:, 1:]
        self._past[:, -1] = now
        before = self._past[:, : self._detection.size]
        middle = median(before)
        spread = TO_SIGMA * median(np.abs(before - middle[:, None]))
        z = (now - middle) / np.maximum(spread, np.maximum(_FLOORS, _RELATIVE * np.abs(middle)))
        z[np.count_nonzero(~np.isnan(before), axis=1) < self._detection.at_least] = np.nan
        logged = np.array([values.get(name, 0.0) for name in METRICS])
        z[~np.isfinite(logged)] = np.inf
        return _Log(step, logged, z, middle, np.abs(z) > self._detection.threshold)

    def _beyond(self, index: int) -> Anomaly | None:
        """The newest value is beyond the threshold: it opens an episode, goes on with one, or waits for others."""
        name, newest = METRICS[index], self._last[-1]
        known = self._open.get(name)
        if known is not None:
            self._open[name] = self._with(replace(known, last_step=newest.step), index, newest)
            return None
        far = [log for log in self._last if log.far[index]]
        if len(far) < self._detection.m and math.isfinite(newest.z[index]):
            return None
        found = Anomaly(
            metric=name,
            severity=Severity.WARNING,
            high=True,
            first_step=far[0].step,
            last_step=newest.step,
            detected_step=newest.step,
            open=True,
            value=math.nan,
            usual=math.nan,
            z=0.0,
        )
        for log in far:
            found = self._with(found, index, log)
        self._open[name] = found
        return found

    def _with(self, known: Anomaly, index: int, log: _Log) -> Anomaly:
        """The episode with this log, if that is its worst."""
        z = float(log.z[index])
        if abs(z) <= abs(known.z):
            return known
        usual = _ORDER[index].back(float(log.usual[index]))
        return replace(known, severity=self._severity(z), high=z > 0, value=float(log.values[index]), usual=usual, z=z)

    def _severity(self, z: float) -> Severity:
        times = abs(z) / self._detection.threshold
        return Severity.WARNING if times <= _HIGH else Severity.HIGH if times <= _CRITICAL else Severity.CRITICAL


def _scaled(scale: _Scale, value: float | None) -> float:
    """On the metric's scale, and within what differences can bear; NaN of what is not known or not finite."""
    if value is None or not math.isfinite(value):
        return math.nan
    return scale.to(min(max(value, -LARGEST), LARGEST))
