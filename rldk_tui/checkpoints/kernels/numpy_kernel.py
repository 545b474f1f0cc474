"""The plain kernels: the same statistics with NumPy alone, in blocks that fit the cache; and whole numbers.

A block is gone through in float32 where that is as good as float64, which the block's own extremes and sums tell: no square is
lost below float32's range or beyond it, the mean does not outweigh the deviations, and every sum is of few numbers or pairwise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rldk_tui.checkpoints.kernels.formats import FloatFormat, coarser, decode
from rldk_tui.checkpoints.kernels.part import Part
from rldk_tui.checkpoints.statistics import Change
from rldk_tui.checkpoints.tensors import DType

WIDTH, BLOCK = 4096, 65_536
"""Columns and numbers of a block at most: few enough for the second-level cache, enough for the threads to be
worth handing over the interpreter's lock."""
_NARROWEST = 1024
"""Columns from which on a block has so few rows that its columns may be summed in float32."""
_FOLD = 16
"""Parts of a row that are added to each other first."""
_LEAST_SQUARE, _LARGEST = 2.0**-80, 2.0**50
"""Of a row's or column's squares, and of a number, for float32: what is lost below is at most 2^-149 a number."""
_LEAST_SPREAD = 0.25
"""Share of the squares that deviations from the mean have to be: their difference costs two bits at most."""


class _Sums:
    """The statistics of the blocks so far."""

    def __init__(self, rows: int, columns: int) -> None:
        self.finite = self.nan = self.inf = self.zeros = 0
        self.mean = self.deviations = 0.0
        self.row_sums, self.column_sums = np.zeros(rows), np.zeros(columns)
        self.lows: list[float] = []
        self.highs: list[float] = []
        self._scratch = np.empty(BLOCK, np.float32)
        self._bits = np.empty(BLOCK, np.uint32)

    def add(self, stored: NDArray[np.generic], dtype: DType, row: int, column: int) -> None:
        """Add a block at this place of the run."""
        single = self._single(stored, dtype)
        if single is None or not self._add_single(single, row, column):
            self._add_exactly(decode(stored, dtype), row, column)

    def _single(self, stored: NDArray[np.generic], dtype: DType) -> NDArray[np.float32] | None:
        """The block as float32, if that holds its numbers exactly; to be used before the next block."""
        if stored.shape[1] < _NARROWEST:
            return None
        if dtype is DType.F32:
            return stored.view(np.float32)
        if dtype is DType.F16:
            return stored.astype(np.float32)
        if dtype is DType.BF16:
            bits = self._bits[: stored.size].reshape(stored.shape)
            np.left_shift(stored.view(np.uint16), 16, out=bits, dtype=np.uint32)
            return bits.view(np.float32)
        return None

    def _add_single(self, block: NDArray[np.float32], row: int, column: int) -> bool:
        """Add it by sums in float32; False, and nothing is done, if these would not be good enough."""
        low, high = float(block.min()), float(block.max())
        if not max(-low, high) <= _LARGEST:  # NaN is not either
            return False
        squares = np.square(block, out=self._scratch[: block.size].reshape(block.shape))
        rows, columns = _row_sums(squares), squares.sum(axis=0)
        number, total = float(block.size), float(block.sum(axis=0).sum(dtype=np.float64))
        square_sum = float(rows.sum(dtype=np.float64))
        deviations = square_sum - total * total / number
        if min(rows.min(), columns.min()) < _LEAST_SQUARE or deviations < _LEAST_SPREAD * square_sum:
            return False
        self.row_sums[row : row + block.shape[0]] += rows
        self.column_sums[column : column + block.shape[1]] += columns
        self.lows.append(low)
        self.highs.append(high)
        if low <= 0.0 <= high:
            self.zeros += int(np.count_nonzero(block == 0.0))
        self._join(block.size, total / number, deviations)
        return True

    def _add_exactly(self, block: NDArray[np.float64], row: int, column: int) -> None:
        """Add it in float64; the block is spent."""
        finite = np.isfinite(block)
        numbers = block
        if not finite.all():
            nan = int(np.count_nonzero(np.isnan(block)))
            self.nan += nan
            self.inf += int(block.size - np.count_nonzero(finite)) - nan
            numbers = block[finite]
            block[~finite] = 0.0
        self.lows.append(float(numbers.min(initial=math.inf)))
        self.highs.append(float(numbers.max(initial=-math.inf)))
        if numbers.size:
            self.zeros += int(numbers.size - np.count_nonzero(numbers))
            mean = float(numbers.mean())
            self._join(numbers.size, mean, float(np.square((numbers - mean).ravel()).sum()))
        np.multiply(block, block, out=block)
        self.row_sums[row : row + block.shape[0]] += block.sum(axis=1)
        self.column_sums[column : column + block.shape[1]] += block.sum(axis=0)

    def _join(self, number: int, mean: float, deviations: float) -> None:
        step, before = mean - self.mean, self.finite
        self.finite += number
        self.mean += step * (number / self.finite)
        self.deviations += deviations + step * step * (before / self.finite * number)


def _row_sums(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of a contiguous block: in columns first, which NumPy adds twice as fast."""
    folded = block if block.shape[1] % _FOLD else block.reshape(block.shape[0], _FOLD, -1).sum(axis=1)
    sums: NDArray[np.float32] = folded.sum(axis=1)
    return sums


def _blocks(matrix: NDArray[np.generic]) -> Iterator[tuple[int, int, NDArray[np.generic]]]:
    """Row and column at which each block begins, and the block."""
    rows, columns = matrix.shape
    width = max(1, min(WIDTH, columns))
    height = max(1, BLOCK // width)
    for row in range(0, rows, height):
        for column in range(0, columns, width):
            yield row, column, matrix[row : row + height, column : column + width]


def scan(numbers: NDArray[np.generic], dtype: DType, columns: int) -> Part:
    """Statistics of whole rows of a matrix."""
    matrix = numbers.reshape(-1, columns)
    sums = _Sums(*matrix.shape)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for row, column, block in _blocks(matrix):
            sums.add(block, dtype, row, column)
    return Part(
        sums.finite,
        sums.nan,
        sums.inf,
        sums.zeros,
        sums.mean,
        sums.deviations,
        min(sums.lows, default=math.inf),
        max(sums.highs, default=-math.inf),
        sums.row_sums,
        sums.column_sums,
        np.array(sums.lows),
        np.array(sums.highs),
    )


def beyond(numbers: NDArray[np.generic], dtype: DType, columns: int, part: Part, low: float, high: float) -> int:
    """How many finite numbers are below `low` or above `high`; only blocks that hold one are read."""
    found = 0
    for (_, _, stored), lowest, highest in zip(_blocks(numbers.reshape(-1, columns)), part.lows, part.highs, strict=True):
        if lowest < low or highest > high:
            block = decode(stored, dtype)
            found += int(np.count_nonzero(np.isfinite(block) & ((block < low) | (block > high))))
    return found


def _far(before: NDArray[np.float64], after: NDArray[np.float64], step: NDArray[np.float64], coarse: FloatFormat) -> int:
    """Pairs further apart than one unit in the last place of the smaller number."""
    smaller = np.minimum(np.abs(before), np.abs(after))
    exponent = np.maximum(np.frexp(smaller)[1] - 1, coarse.smallest_exponent)
    exponent[smaller == 0] = coarse.smallest_exponent
    return int(np.count_nonzero(np.abs(step) > np.exp2((exponent - coarse.mantissa).astype(np.float64))))


def compare(before: NDArray[np.generic], before_dtype: DType, after: NDArray[np.generic], after_dtype: DType) -> Change:
    """The change of a run of numbers."""
    coarse = coarser(before_dtype, after_dtype)
    counts = np.zeros(4, np.int64)
    sums, largest = np.zeros(4), 0.0
    for at in range(0, before.size, BLOCK):
        one, other = decode(before[at : at + BLOCK], before_dtype), decode(after[at : at + BLOCK], after_dtype)
        finite = np.isfinite(one) & np.isfinite(other)
        if not finite.all():
            one, other = one[finite], other[finite]
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            step = other - one
            sums += (np.square(step).sum(), np.square(one).sum(), np.square(other).sum(), (one * other).sum())
        flips = ((one < 0) & (other > 0)) | ((one > 0) & (other < 0))
        far = _far(one, other, step, coarse) if coarse else 0
        counts += np.array([finite.size - one.size, np.count_nonzero(one == other), np.count_nonzero(flips), far])
        largest = max(largest, float(np.abs(step).max(initial=0.0)))
    left_out, same, flipped, moved = (int(number) for number in counts)
    return Change(
        count=before.size,
        left_out=left_out,
        unchanged=same,
        sign_flips=flipped,
        change_square_sum=float(sums[0]),
        before_square_sum=float(sums[1]),
        after_square_sum=float(sums[2]),
        dot=float(sums[3]),
        largest=largest,
        ulp_changed=moved if coarse else None,
    )
