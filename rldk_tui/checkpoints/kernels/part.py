"""What one thread finds in its part of a tensor, and how parts make a whole."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rldk_tui.checkpoints.statistics import Change, Moments


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of a tensor seen as a matrix: rows `top` to `bottom`, columns `left` to `right`, ends excluded."""

    top: int
    bottom: int
    left: int
    right: int


@dataclass(frozen=True, slots=True)
class Part:
    """The statistics of one window; the fields of the same name are those of `Moments`.

    Attributes:
        finite: Numbers that are finite.
        deviations: Sum of the squared differences from `mean`.
        row_sums, column_sums: Sums of squares of the window's rows and columns.
        lows, highs: Smallest and largest finite number of each block the kernel went through, in its order; a block without
            one has +inf and -inf.
    """

    window: Window
    finite: int
    nan: int
    inf: int
    zeros: int
    mean: float
    deviations: float
    row_sums: NDArray[np.float64]
    column_sums: NDArray[np.float64]
    lows: NDArray[np.float64]
    highs: NDArray[np.float64]

    @property
    def low(self) -> float:
        """Its smallest finite number; +inf without one."""
        return float(self.lows.min(initial=math.inf))

    @property
    def high(self) -> float:
        """Its largest finite number; -inf without one."""
        return float(self.highs.max(initial=-math.inf))


@dataclass(slots=True)
class Total:
    """The parts of one tensor so far.

    Means and deviations are joined pairwise (Chan, Golub and LeVeque 1979), so a mean far above the standard deviation costs
    no digits.

    Attributes:
        rows, columns: Sums of squares of the tensor's rows and columns, added into; None if they are not wanted.
    """

    rows: NDArray[np.float64] | None
    columns: NDArray[np.float64] | None
    finite: int = 0
    nan: int = 0
    inf: int = 0
    zeros: int = 0
    mean: float = 0.0
    deviations: float = 0.0
    low: float = math.inf
    high: float = -math.inf

    def add(self, part: Part) -> None:
        """Add a part; in the tensor's order, so that the same file gives the same digits."""
        self.nan, self.inf, self.zeros = self.nan + part.nan, self.inf + part.inf, self.zeros + part.zeros
        if part.finite:
            before = self.finite
            self.finite += part.finite
            step = part.mean - self.mean
            self.mean += step * (part.finite / self.finite)
            self.deviations += part.deviations + step * step * (before / self.finite * part.finite)
        self.low, self.high = min(self.low, part.low), max(self.high, part.high)
        if self.rows is not None and self.columns is not None:
            self.rows[part.window.top : part.window.bottom] += part.row_sums
            self.columns[part.window.left : part.window.right] += part.column_sums

    def moments(self, count: int) -> Moments:
        """The statistics of the `count` numbers, outliers not counted."""
        low, high, mean, std = self.low, self.high, self.mean, math.nan
        if not self.finite:
            low = high = mean = math.nan
        elif low == high:  # exactly, where the sums are rounded
            mean, std = low, 0.0
        else:
            std = math.sqrt(self.deviations / self.finite)
        return Moments(
            count=count,
            nan=self.nan,
            inf=self.inf,
            zeros=self.zeros,
            minimum=low,
            maximum=high,
            mean=mean,
            std=std,
            square_sum=self.deviations + self.finite * self.mean * self.mean,
            outliers=None,
            row_square_sums=self.rows,
            column_square_sums=self.columns,
        )


def summed(changes: Iterable[Change]) -> Change:
    """One change of the changes of its parts."""
    every = list(changes)
    moved = [change.ulp_changed for change in every]
    return Change(
        count=sum(change.count for change in every),
        left_out=sum(change.left_out for change in every),
        unchanged=sum(change.unchanged for change in every),
        sign_flips=sum(change.sign_flips for change in every),
        change_square_sum=math.fsum(change.change_square_sum for change in every),
        before_square_sum=math.fsum(change.before_square_sum for change in every),
        after_square_sum=math.fsum(change.after_square_sum for change in every),
        dot=math.fsum(change.dot for change in every),
        largest=max((change.largest for change in every), default=0.0),
        ulp_changed=None if None in moved else sum(number for number in moved if number is not None),
    )
