"""A series of any length as a few means of equally many values each, for what must look at all of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rldk_tui.statistics.windows import NOTHING_YET, Floats

MOST = 256
"""Means that are kept at most."""


@dataclass(frozen=True, slots=True)
class ThinnedPast:
    """What `thinned` keeps.

    Attributes:
        sums: The sum of all values up to the end of each full stretch, 0 first.
        stretch: Values in one.
        seen: Values so far, and `total` their sum.
    """

    sums: Floats = field(default_factory=lambda: np.zeros(1))
    stretch: int = 1
    seen: int = 0
    total: float = 0.0


def thinned(values: Floats, past: ThinnedPast) -> ThinnedPast:
    """The past with these values.

    Sums are added up one value after the other, so the result does not depend on how the series was cut.

    Args:
        values: shape (n,), finite and small enough to be summed.
        past: `ThinnedPast()` at first.
    """
    totals = np.cumsum(np.concatenate(([past.total], values)))[1:]
    sums, stretch, place = past.sums, past.stretch, 0
    while place < values.size:
        ends = np.arange(stretch - (past.seen + place) % stretch - 1 + place, values.size, stretch)
        ends = ends[: MOST + 1 - sums.size]
        sums = np.concatenate((sums, totals[ends]))
        place = int(ends[-1]) + 1 if sums.size > MOST else values.size
        if sums.size > MOST:
            sums, stretch = sums[::2], 2 * stretch
    return ThinnedPast(sums, stretch, past.seen + values.size, float(totals[-1]) if totals.size else past.total)


def means(past: ThinnedPast) -> Floats:
    """The mean of each full stretch, at most `MOST` of them."""
    result: Floats = np.diff(past.sums) / past.stretch if past.sums.size > 1 else NOTHING_YET
    return result
