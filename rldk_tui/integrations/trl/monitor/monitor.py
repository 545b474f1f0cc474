"""The monitor: fed one log at a time, asked for what it knows at any time."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping

import numpy as np

from rldk_tui.integrations.trl.monitor.anomalies import Anomaly, AnomalyDetector, Detection
from rldk_tui.integrations.trl.monitor.epochs import EpochLog, EpochSummary
from rldk_tui.integrations.trl.monitor.readings import SERIES, MonitoredMetrics, readings
from rldk_tui.integrations.trl.monitor.trend import MOST, Trend, trend_of


class Monitor:
    """Holds the newest log, the last 64 of each series, the epochs and the anomalies."""

    def __init__(self, detection: Detection) -> None:
        self.metrics: MonitoredMetrics | None = None
        self._recent: dict[str, deque[tuple[int, float]]] = {name: deque(maxlen=MOST) for name in SERIES}
        self._detector = AnomalyDetector(detection)
        self._epochs = EpochLog()

    def feed(self, step: int, epoch: float | None, logged: Mapping[str, float | None]) -> list[Anomaly]:
        """One log of a training step, by the trainer's own keys; returns the anomalies that it opens."""
        found = readings(step, epoch, logged)
        if found is None:
            return []
        self.metrics = found
        values = found.values()
        for name, value in values.items():
            if math.isfinite(value):
                self._recent[name].append((step, value))
        self._epochs.feed(step, epoch, values)
        return self._detector.feed(step, values)

    @property
    def anomalies(self) -> tuple[Anomaly, ...]:
        """Episodes by their first step: the open ones, and the newest thousand that ended."""
        return self._detector.anomalies

    def trends(self) -> dict[str, Trend]:
        """The trend over the last 64 logs of each series; one of fewer than twelve logs is left out."""
        found: dict[str, Trend] = {}
        for name, recent in self._recent.items():
            if recent:
                values = np.array([value for _, value in recent])
                trend = trend_of(values, recent[0][0], recent[-1][0])
                found.update({name: trend} if trend else {})
        return found

    def epochs(self) -> tuple[EpochSummary, ...]:
        """The newest thousand epochs, the one that lasts at the end."""
        return self._epochs.epochs()
