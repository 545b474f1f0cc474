"""Whether a series of logs rises or falls."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rldk_tui.statistics.trend import believed, trends
from rldk_tui.statistics.windows import Floats

LEAST = 12
"""Logs below which nothing is said: of ten in perfect order the test is only just sure."""
MOST = 64
"""Logs that are looked at; more are first averaged in pairs."""


class Direction(StrEnum):
    """Where a metric goes."""

    INCREASING = "increasing"
    DECREASING = "decreasing"
    STABLE = "stable"


@dataclass(frozen=True, slots=True)
class Trend:
    """The trend of one metric by the corrected Mann-Kendall test (see `statistics.trend`).

    Attributes:
        direction: Stable unless the test is sure (p < 0.001) and the rise means something beside the noise.
        slope: Theil and Sen's, in the metric's unit per step.
        z: The corrected test statistic.
        first_step, last_step: Of the logs looked at.
        logs: How many they are.
    """

    direction: Direction
    slope: float
    z: float
    first_step: int
    last_step: int
    logs: int


def trend_of(values: Floats, first_step: int, last_step: int) -> Trend | None:
    """The trend of logs at about equal distances; None of too few.

    Args:
        values: shape (n,), finite.
        first_step: Of the first of them.
        last_step: Of the last.
    """
    logs = values.size
    if logs < LEAST:
        return None
    while values.size > MOST:
        values = values[values.size % 2 :].reshape(-1, 2).mean(axis=1)
    found = trends(values[None, :])
    sure = bool(believed(found, values.size)[0])
    a_step = (values.size - 1) / (last_step - first_step) if last_step > first_step else 1.0
    direction = Direction.STABLE
    if sure and found.slope[0] != 0:
        direction = Direction.INCREASING if found.slope[0] > 0 else Direction.DECREASING
    return Trend(direction, float(found.slope[0]) * a_step, float(found.z[0]), first_step, last_step, logs)
