"""Which way a series is going: the slope of its last logs, where it is more than their scatter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINDOW = 100
"""Logs looked at; the slope is given for as many."""
LEAST = 8
"""Fewer finite values than this have no trend."""


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight line through the last logs.

    Attributes:
        change: The line's rise over `WINDOW` logs, in the metric's unit.
        clear: Whether the rise over the logs at hand is larger than twice the scatter around the line.
    """

    change: float
    clear: bool


def trend_of(values: NDArray[np.float64]) -> Trend | None:
    """The trend of the last `WINDOW` values; None with too few finite ones."""
    recent = values[-WINDOW:]
    finite = np.isfinite(recent)
    if np.count_nonzero(finite) < LEAST:
        return None
    at, level = np.flatnonzero(finite).astype(np.float64), recent[finite]
    centred = at - at.mean()
    with np.errstate(over="ignore", invalid="ignore"):
        slope = float(centred @ (level - level.mean()) / (centred @ centred))
        scatter = float(np.std(level - level.mean() - slope * centred))
        rise = abs(slope) * float(at[-1] - at[0])
    if not np.isfinite(slope):
        return None
    return Trend(slope * WINDOW, clear=rise > 2.0 * scatter and rise > 1e-12 * float(np.abs(level).max()))
