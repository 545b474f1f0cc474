"""Which way a series is going: the rise over its last logs, where it is more than their scatter."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINDOW = 100
"""Logs looked at, at most."""
LEAST = 8
"""Fewer finite values than this have no trend."""


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight line through the last logs.

    Attributes:
        change: The line's rise over the logs looked at, in the metric's unit.
        logs: How many those were.
        clear: Whether the rise is larger than twice the scatter around the line.
    """

    change: float
    logs: int
    clear: bool


def trend_of(values: NDArray[np.float64]) -> Trend | None:
    """The trend of the last `WINDOW` values; None with too few finite ones."""
    recent = values[-WINDOW:]
    at = np.flatnonzero(np.isfinite(recent))
    if at.size < LEAST:
        return None
    level, centred = recent[at], at - at.sum() / at.size
    with np.errstate(over="ignore", invalid="ignore"):
        risen = level - level.sum() / at.size
        slope = float(centred @ risen / (centred @ centred))
        left = risen - slope * centred
        scatter = math.sqrt(left @ left / at.size)
        rise = slope * float(at[-1] - at[0])
    if not math.isfinite(rise):
        return None
    rounding = 1e-12 * float(np.abs(level).max())
    return Trend(rise, int(recent.size), clear=abs(rise) > max(2.0 * scatter, rounding))
