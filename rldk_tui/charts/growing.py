"""The picture of a series that grows: what it costs to add a row does not depend on how many there were.

Values are folded into stretches of equal length. When there are too many stretches, neighbours are merged in pairs, so a
run of any length is held in at most `2 * stretches` of them, each with its true lowest and highest value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NOT_FINITE = 1
NO_VALUE = 2


@dataclass(frozen=True, slots=True)
class Shape:
    """A series in stretches; all arrays have one entry a stretch.

    Attributes:
        last_steps: The step at which the stretch ends.
        low, high: The extremes of its finite values, NaN without any.
        marks: `NOT_FINITE` and `NO_VALUE` as bits: what else was logged there.
        stretch: How many values a stretch has (the last one may have fewer).
    """

    last_steps: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    marks: NDArray[np.uint8]
    stretch: int

    def __len__(self) -> int:
        return int(self.low.size)


def shape_of(steps: NDArray[np.int64], values: NDArray[np.float64], none: NDArray[np.bool_]) -> Shape:
    """A short series as it is, every value a stretch of its own; `none` says where None was logged."""
    finite = np.isfinite(values) & ~none
    plain = np.where(finite, values, np.nan)
    marks = np.where(none, NO_VALUE, np.where(finite, 0, NOT_FINITE)).astype(np.uint8)
    return Shape(steps, plain, plain, marks, 1)


NOTHING = shape_of(np.empty(0, np.int64), np.empty(0), np.empty(0, np.bool_))


class GrowingShape:
    """Takes values as they come and keeps their shape.

    Attributes:
        count: Values so far.
        not_finite, no_value: How many of them were NaN or infinite, and how many None.
    """

    def __init__(self, stretches: int = 512) -> None:
        self._most = 2 * stretches
        self._stretch = 1
        self._filled = 0
        self._steps: NDArray[np.int64] = np.empty(0, np.int64)
        self._low: NDArray[np.float64] = np.empty(0)
        self._high: NDArray[np.float64] = np.empty(0)
        self._marks: NDArray[np.uint8] = np.empty(0, np.uint8)
        self.count = 0
        self.not_finite = 0
        self.no_value = 0

    def extend(self, steps: NDArray[np.int64], values: NDArray[np.float64], none: NDArray[np.bool_]) -> None:
        """Add values at rising steps; `none` says where None was logged."""
        if not steps.size:
            return
        new = shape_of(steps, values, none)
        self.count += len(new)
        self.no_value += int(np.count_nonzero(new.marks == NO_VALUE))
        self.not_finite += int(np.count_nonzero(new.marks == NOT_FINITE))
        self._append(new.last_steps, new.low, new.high, new.marks)

    def _append(
        self, steps: NDArray[np.int64], low: NDArray[np.float64], high: NDArray[np.float64], marks: NDArray[np.uint8]
    ) -> None:
        """Fold values behind those there are: into the unfinished stretch first, then into new ones."""
        while -(-steps.size // self._stretch) + self._low.size > self._most:
            self._merge_pairs()
        if self._filled:
            head = min(self._stretch - self._filled, int(steps.size))
            self._steps[-1] = steps[head - 1]
            self._low[-1] = np.fmin(self._low[-1], np.fmin.reduce(low[:head]))
            self._high[-1] = np.fmax(self._high[-1], np.fmax.reduce(high[:head]))
            self._marks[-1] |= np.bitwise_or.reduce(marks[:head])
            self._filled = (self._filled + head) % self._stretch
            steps, low, high, marks = steps[head:], low[head:], high[head:], marks[head:]
        if not steps.size:
            return
        starts = np.arange(0, steps.size, self._stretch)
        ends = np.minimum(starts + self._stretch, steps.size) - 1
        self._steps = np.concatenate([self._steps, steps[ends]])
        self._low = np.concatenate([self._low, np.fmin.reduceat(low, starts)])
        self._high = np.concatenate([self._high, np.fmax.reduceat(high, starts)])
        self._marks = np.concatenate([self._marks, np.bitwise_or.reduceat(marks, starts)])
        self._filled = int(steps.size) % self._stretch

    def _merge_pairs(self) -> None:
        """Half as many stretches, each twice as long."""
        many = self._low.size
        if many % 2:
            self._filled = self._filled or self._stretch
        elif self._filled:
            self._filled += self._stretch
        self._stretch *= 2
        if many:
            starts = np.arange(0, many, 2)
            self._steps = self._steps[np.minimum(starts + 1, many - 1)]
            self._low = np.fmin.reduceat(self._low, starts)
            self._high = np.fmax.reduceat(self._high, starts)
            self._marks = np.bitwise_or.reduceat(self._marks, starts)

    def shape(self, further: Shape = NOTHING) -> Shape:
        """The series so far, and behind it what may still change and is not taken in for that; a copy."""
        return Shape(
            np.concatenate([self._steps, further.last_steps]),
            np.concatenate([self._low, further.low]),
            np.concatenate([self._high, further.high]),
            np.concatenate([self._marks, further.marks]),
            self._stretch,
        )
