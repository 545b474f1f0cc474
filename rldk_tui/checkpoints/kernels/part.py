"""What one thread finds in its part of a tensor, and how parts make a whole."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rldk_tui.checkpoints.statistics import Change, Moments


@dataclass(frozen=True, slots=True)
class Part:
    """The statistics of one run of whole rows; the fields of the same name are those of `Moments`.

    Attributes:
        finite: Numbers that are finite.
        deviations: Sum of the squared differences from `mean`.
        low, high: Smallest and largest finite number; +inf and -inf without one.
        row_sums, column_sums: Sums of squares of its rows and columns.
        lows, highs: As `low` and `high`, of each block the kernel went through, in its order.
    """

    finite: int
    nan: int
    inf: int
    zeros: int
    mean: float
    deviations: float
    low: float
    high: float
    row_sums: NDArray[np.float64]
    column_sums: NDArray[np.float64]
    lows: NDArray[np.float64]
    highs: NDArray[np.float64]


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

    def add(self, part: Part, row: int) -> None:
        """Add a part that begins at this row; in the tensor's order, so that the same file gives the same digits."""
        self.nan, self.inf, self.zeros = self.nan + part.nan, self.inf + part.inf, self.zeros + part.zeros
        if part.finite:
            before = self.finite
            self.finite += part.finite
            step = part.mean - self.mean
            self.mean += step * (part.finite / self.finite)
            self.deviations += part.deviations + step * step * (before / self.finite * part.finite)
        self.low, self.high = min(self.low, part.low), max(self.high, part.high)
        if self.rows is not None and self.columns is not None:
            self.rows[row : row + part.row_sums.size] += part.row_sums
            self.columns += part.column_sums

    @property
    def spread(self) -> tuple[float, float]:
        """Mean and standard deviation; NaN without a finite number."""
        if not self.finite:
            return math.nan, math.nan
        if self.low == self.high:  # exactly, where the sums are rounded
            return self.low, 0.0
        return self.mean, math.sqrt(self.deviations / self.finite)

    def moments(self, count: int, outliers: int | None) -> Moments:
        """The statistics of the `count` numbers."""
        mean, std = self.spread
        return Moments(
            count=count,
            nan=self.nan,
            inf=self.inf,
            zeros=self.zeros,
            minimum=self.low if self.finite else math.nan,
            maximum=self.high if self.finite else math.nan,
            mean=mean,
            std=std,
            square_sum=self.deviations + self.finite * self.mean * self.mean,
            outliers=outliers,
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
