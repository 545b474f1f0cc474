"""The plain kernels: the same statistics with NumPy alone, in blocks that fit the cache; and whole numbers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rldk_tui.checkpoints.kernels.formats import FloatFormat, coarser, decode
from rldk_tui.checkpoints.kernels.part import Part, Window
from rldk_tui.checkpoints.statistics import Change
from rldk_tui.checkpoints.tensors import DType

WIDTH, BLOCK = 4096, 32_768
"""Columns and numbers of a block at most: its float64 copies stay in the second-level cache."""


class _Sums:
    """The statistics of the blocks so far."""

    def __init__(self, rows: int, columns: int) -> None:
        self.finite = self.nan = self.inf = self.zeros = 0
        self.mean = self.deviations = 0.0
        self.row_sums, self.column_sums = np.zeros(rows), np.zeros(columns)
        self.lows: list[float] = []
        self.highs: list[float] = []

    def add(self, block: NDArray[np.float64], row: int, column: int) -> None:
        """Add a block at this place of the window; the block is spent."""
        finite = np.isfinite(block)
        numbers = block
        if not finite.all():
            nan = int(np.count_nonzero(np.isnan(block)))
            self.nan += nan
            self.inf += int(block.size - np.count_nonzero(finite)) - nan
            numbers = block[finite]
            block[~finite] = 0.0
        self._centre(numbers)
        np.multiply(block, block, out=block)
        self.row_sums[row : row + block.shape[0]] += block.sum(axis=1)
        self.column_sums[column : column + block.shape[1]] += block.sum(axis=0)

    def _centre(self, numbers: NDArray[np.float64]) -> None:
        self.lows.append(float(numbers.min(initial=math.inf)))
        self.highs.append(float(numbers.max(initial=-math.inf)))
        if numbers.size == 0:
            return
        self.zeros += int(numbers.size - np.count_nonzero(numbers))
        mean = float(numbers.mean())
        differences = (numbers - mean).ravel()
        step, before = mean - self.mean, self.finite
        self.finite += numbers.size
        self.mean += step * (numbers.size / self.finite)
        self.deviations += float(np.square(differences).sum()) + step * step * (before / self.finite * numbers.size)


def _places(window: Window) -> list[Window]:
    width = max(1, min(WIDTH, window.right - window.left))
    height = max(1, BLOCK // width)
    return [
        Window(row, min(row + height, window.bottom), column, min(column + width, window.right))
        for row in range(window.top, window.bottom, height)
        for column in range(window.left, window.right, width)
    ]


def scan(numbers: NDArray[np.generic], dtype: DType, stride: int, window: Window) -> Part:
    """Statistics of a window of a matrix with `stride` columns."""
    matrix = numbers.reshape(-1, stride)
    sums = _Sums(window.bottom - window.top, window.right - window.left)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for place in _places(window):
            block = decode(matrix[place.top : place.bottom, place.left : place.right], dtype)
            sums.add(block, place.top - window.top, place.left - window.left)
    return Part(
        window,
        sums.finite,
        sums.nan,
        sums.inf,
        sums.zeros,
        sums.mean,
        sums.deviations,
        sums.row_sums,
        sums.column_sums,
        np.array(sums.lows),
        np.array(sums.highs),
    )


def beyond(numbers: NDArray[np.generic], dtype: DType, stride: int, part: Part, low: float, high: float) -> int:
    """How many finite numbers are below `low` or above `high`; only blocks that hold one are read."""
    matrix, found = numbers.reshape(-1, stride), 0
    for place, lowest, highest in zip(_places(part.window), part.lows, part.highs, strict=True):
        if lowest < low or highest > high:
            block = decode(matrix[place.top : place.bottom, place.left : place.right], dtype)
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
