"""Where a number lies between two others, and the round numbers between them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_LARGEST = 1e150
"""Beyond it differences and their multiples are no longer finite."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A stretch of numbers; `high` is above `low`."""

    low: float
    high: float

    def share(self, value: float) -> float:
        """0 at `low`, 1 at `high`, and on beyond."""
        return (_bounded(value) - self.low) / (self.high - self.low)


def scale_of(values: Iterable[float]) -> Scale:
    """From the lowest to the highest of these finite values, with a little air; some scale around a constant."""
    known = [_bounded(value) for value in values]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    air = (high - low) * 0.04
    if air <= 1e-9 * max(abs(low), abs(high)):
        air = abs(high) * 0.1 or 1.0
    return Scale(low - air, high + air)


def ticks(scale: Scale, most: int) -> tuple[float, ...]:
    """At most `most` + 1 round numbers on the scale: multiples of 1, 2 or 5 times a power of ten."""
    rough = (scale.high - scale.low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= rough * 0.999)
    first = math.ceil(scale.low / step)
    last = math.floor(scale.high / step)
    return tuple(index * step for index in range(first, last + 1))


def _bounded(value: float) -> float:
    return max(-_LARGEST, min(_LARGEST, value))
