"""The one detector of the monitor: values far from what was usual, several close together, as episodes.

The distance is the robust z of the catalogue (`statistics.robust`): from the median of the 64 logs that end five before the
one that is judged, in spreads of their median deviation, on a scale on which the metric's noise does not depend on its level:
the logarithm of value loss and entropy, sign(v) log(1 + |v|) of the KL, which may fall below 0, and the value itself of
reward, policy loss and clipped share. Nearly every value is found usual by its place among the sorted ones, so that a log
costs microseconds. An episode is opened by m of n such logs, since noise has tails heavier than any threshold, and ended by
n logs without one. A value that is no finite number opens one at once.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from rldk_tui.events import Severity
from rldk_tui.integrations.trl.monitor.readings import METRICS
from rldk_tui.statistics.robust import SMALLEST
from rldk_tui.statistics.spread import RELATIVE_FLOOR, TO_SIGMA, robust_spread
from rldk_tui.statistics.trend import LARGEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """When values are an anomaly.

    Attributes:
        threshold: Distance in robust deviations. By chance alone a metric opens, in 10,000 logs: with 8 no episode in gaussian
            and lognormal noise, however correlated from log to log, and up to 3 in noise with the tail of Student's t with 3
            degrees of freedom; with 5 up to 6 and 20; with 3, as of a plain z-score, 2 to 65 and 90.
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
_MOST_KEPT = 1000
_HIGH, _CRITICAL = 2.0, 4.0
"""Thresholds beyond which an episode is more than a warning."""


@dataclass(frozen=True, slots=True)
class _Far:
    """A value beyond the threshold."""

    step: int
    value: float
    z: float
    usual: float


class _Watched:
    """One metric: the values that tell what is usual, those too new to, and which of the newest logs were beyond."""

    def __init__(self, scale: _Scale, detection: Detection) -> None:
        self._scale = scale
        self._detection = detection
        self._known: deque[float] = deque()
        self._ordered: list[float] = []
        self.last: deque[_Far | None] = deque([None] * detection.n, maxlen=detection.n)

    def judge(self, step: int, value: float) -> _Far | None:
        """This value against its past, of which it becomes part; None where it is not beyond the threshold."""
        if not math.isfinite(value):
            return _Far(step, value, math.inf, math.nan)
        now = self._scale.to(min(max(value, -LARGEST), LARGEST))
        self._known.append(now)
        known, ordered, detection = self._known, self._ordered, self._detection
        if len(known) > detection.n:
            insort(ordered, known[-1 - detection.n])
        if len(ordered) > detection.size:
            del ordered[bisect_left(ordered, known.popleft())]
        if len(ordered) < detection.at_least:
            return None
        return self._deviation(step, value, now)

    def _deviation(self, step: int, value: float, now: float) -> _Far | None:
        ordered, scale, size = self._ordered, self._scale, len(self._ordered)
        middle = (ordered[(size - 1) // 2] + ordered[size // 2]) / 2
        near = abs(now - middle) / self._detection.threshold
        floor = max(scale.floor, scale.relative * abs(middle))
        if near <= floor:
            return None
        # the median deviation can only be below this where about half of the values lie as near
        inner = near / TO_SIGMA
        if bisect_left(ordered, middle + inner) - bisect_right(ordered, middle - inner) < size // 2:
            return None
        spread = float(robust_spread(np.array(ordered)[None, :], floor, 0.0)[0])
        z = (now - middle) / spread
        return _Far(step, value, z, scale.back(middle)) if abs(z) > self._detection.threshold else None


class AnomalyDetector:
    """Fed one log at a time; holds the logs it compares with, the open episodes and the newest of the closed ones."""

    def __init__(self, detection: Detection) -> None:
        self._detection = detection
        self._watched = {name: _Watched(_SCALES[name], detection) for name in METRICS}
        self._open: dict[str, Anomaly] = {}
        self._closed: deque[Anomaly] = deque(maxlen=_MOST_KEPT)

    @property
    def anomalies(self) -> tuple[Anomaly, ...]:
        """All that are kept, by their first step."""
        return tuple(sorted((*self._closed, *self._open.values()), key=lambda found: (found.first_step, found.metric)))

    def feed(self, step: int, values: Mapping[str, float]) -> list[Anomaly]:
        """The episodes that this log opens. What it does not hold is no sign of anything."""
        opened = []
        for name, watched in self._watched.items():
            value = values.get(name)
            far = None if value is None else watched.judge(step, value)
            watched.last.append(far)
            if far is not None and (found := self._beyond(name, far)):
                opened.append(found)
            elif name in self._open and not any(watched.last):
                self._closed.append(replace(self._open.pop(name), open=False))
        return opened

    def _beyond(self, name: str, newest: _Far) -> Anomaly | None:
        """A value beyond the threshold opens an episode, goes on with one, or waits for others."""
        known = self._open.get(name)
        if known is not None:
            self._open[name] = self._with(replace(known, last_step=newest.step), newest)
            return None
        far = [one for one in self._watched[name].last if one is not None]
        if len(far) < self._detection.m and math.isfinite(newest.z):
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
        for one in far:
            found = self._with(found, one)
        self._open[name] = found
        return found

    def _with(self, known: Anomaly, far: _Far) -> Anomaly:
        """The episode with this value, if it is the worst."""
        if abs(far.z) <= abs(known.z):
            return known
        severity = self._severity(far.z)
        return replace(known, severity=severity, high=far.z > 0, value=far.value, usual=far.usual, z=far.z)

    def _severity(self, z: float) -> Severity:
        times = abs(z) / self._detection.threshold
        return Severity.WARNING if times <= _HIGH else Severity.HIGH if times <= _CRITICAL else Severity.CRITICAL
