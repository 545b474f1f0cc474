"""What is measured of one tensor, and of a tensor against its earlier self."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """The numbers of one tensor, from one pass over them.

    NaN and infinities are counted and left out of everything else. Sums are in float64. Statistics of a tensor without a
    finite number are NaN.

    Attributes:
        count: All numbers.
        nan, inf, zeros: How many of them are NaN, infinite of either sign, exactly zero.
        minimum, maximum: Of the finite ones.
        mean, std: Of the finite ones; the population's standard deviation.
        square_sum: Sum of the squares of the finite ones.
        outliers: How many finite numbers lie more than `OUTLIER_STDS` standard deviations from the mean; None where it was
            not counted (whole numbers).
        row_square_sums: Sum of squares of each row, shape (rows,); None for fewer than two dimensions.
        column_square_sums: The same of each column of the matrix of shape (rows, count / rows).
    """

    count: int
    nan: int
    inf: int
    zeros: int
    minimum: float
    maximum: float
    mean: float
    std: float
    square_sum: float
    outliers: int | None
    row_square_sums: NDArray[np.float64] | None
    column_square_sums: NDArray[np.float64] | None

    @property
    def norm(self) -> float:
        """The L2 norm of the finite numbers."""
        return float(np.sqrt(self.square_sum))

    @property
    def rms(self) -> float:
        """Root mean square of the finite numbers."""
        finite = self.count - self.nan - self.inf
        return float(np.sqrt(self.square_sum / finite)) if finite else float("nan")

    def without_lines(self) -> Moments:
        """The same without the sums of rows and columns, which are as many as the hidden dimensions together."""
        return Moments(
            count=self.count,
            nan=self.nan,
            inf=self.inf,
            zeros=self.zeros,
            minimum=self.minimum,
            maximum=self.maximum,
            mean=self.mean,
            std=self.std,
            square_sum=self.square_sum,
            outliers=self.outliers,
            row_square_sums=None,
            column_square_sums=None,
        )


OUTLIER_STDS = 6.0
"""A number further from the mean than this many standard deviations is an outlier: one in 5e8 of a normal distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A tensor against its earlier self, number by number, from one pass over both.

    Pairs in which either number is not finite are left out, and counted.

    Attributes:
        count: All pairs.
        left_out: Pairs with a number that is not finite.
        unchanged: Pairs whose two numbers are equal.
        sign_flips: Pairs whose two numbers have opposite signs (zero has none).
        change_square_sum, before_square_sum, after_square_sum: Sums of squares of after − before, before and after.
        dot: Sum of before × after.
        largest: The largest |after − before|.
        ulp_changed: Pairs that differ by more than one unit in the last place of the coarser type; None if not counted.
    """

    count: int
    left_out: int
    unchanged: int
    sign_flips: int
    change_square_sum: float
    before_square_sum: float
    after_square_sum: float
    dot: float
    largest: float
    ulp_changed: int | None = None

    @property
    def relative(self) -> float:
        """‖after − before‖ / ‖before‖; NaN if it was all zero."""
        before = self.before_square_sum
        return float(np.sqrt(self.change_square_sum / before)) if before > 0 else float("nan")

    @property
    def cosine(self) -> float:
        """Of the angle between the two; NaN if either is all zero."""
        product = float(np.sqrt(self.before_square_sum)) * float(np.sqrt(self.after_square_sum))
        return self.dot / product if product > 0 else float("nan")
