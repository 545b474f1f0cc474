"""Where a number lies between two others, and the round numbers between them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_LARGEST = 1e150
"""Beyond it differences and their multiples are no longer finite."""
_SMALLEST = 1e-290
"""Below it a hundredth of a difference is no longer a number of full precision."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A stretch of numbers; `high` is above `low`."""

    low: float
    high: float

    def share(self, value: float) -> float:
        """0 at `low`, 1 at `high`, and on beyond."""
        return (_bounded(value) - self.low) / (self.high - self.low)


def scale_of(values: Iterable[float]) -> Scale:
    """From the lowest to the highest of these finite values, with a little air; from 0 to twice a constant."""
    known = [_bounded(value) for value in values]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        low, high = min(0.0, 2 * low), max(0.0, 2 * high)
    if high - low < _SMALLEST:
        high = low + 1.0
    air = (high - low) * 0.04
    return Scale(low - air, high + air)


def ticks(scale: Scale, least: int) -> tuple[float, ...]:
    """At least `least` round numbers on the scale, as few as that allows: multiples of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.ceil(math.log10(scale.high - scale.low))
    for factor in (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01):
        step = factor * power
        first, last = math.ceil(scale.low / step), math.floor(scale.high / step)
        if last - first + 1 >= least:
            return tuple(index * step for index in range(first, last + 1))
    return ()


def _bounded(value: float) -> float:
    return max(-_LARGEST, min(_LARGEST, value))
