"""One pass over a tensor, or over a tensor and its earlier self, on all cores.

A tensor is cut into windows, one thread each; the kernels release the interpreter's lock. No tensor is copied: beside the
result, memory is taken for blocks that fit the cache, for two numbers of every block, and for the sums of a window's rows and
columns.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from math import isfinite
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from rldk_tui.checkpoints.kernels.backends import Kernels, kernels_for
from rldk_tui.checkpoints.kernels.part import Part, Total, Window, summed
from rldk_tui.checkpoints.statistics import OUTLIER_STDS, Change, Moments
from rldk_tui.checkpoints.tensors import DType

MOST_LINES = 1 << 22
"""More rows or columns than this are not summed one by one: their sums would take more than 32 MiB. A vocabulary has 2^18."""

_LINE = 1024
"""A vector is read as a matrix of this many columns."""
_WIDE = 1 << 17
"""A matrix of more columns than this, and of fewer rows, is cut between columns: then no thread holds sums of them all."""
_PARTS = 16
"""Windows of a large tensor: more than cores, so that a core that is slowed down takes fewer."""
_WORTH_A_THREAD = 1 << 20
"""Numbers; starting threads costs as much time as reading this many."""

_NOTHING = np.empty(0)

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class _Piece(NamedTuple):
    """A window of a matrix of so many columns."""

    numbers: NDArray[np.generic]
    columns: int
    window: Window


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _on_all_cores(function: Callable[[_Item], _Result], items: list[_Item], count: int) -> Iterator[_Result]:
    if len(items) < 2 or count < _WORTH_A_THREAD:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(_cores(), thread_name_prefix="rldk-checkpoint") as pool:
        yield from pool.map(function, items)


def _cuts(length: int, count: int) -> list[tuple[int, int]]:
    parts = max(1, min(_PARTS, length, count // _WORTH_A_THREAD))
    edges = [length * part // parts for part in range(parts + 1)]
    return list(pairwise(edges))


def _windows(rows: int, columns: int) -> list[Window]:
    if columns > _WIDE and rows < columns:
        return [Window(0, rows, left, right) for left, right in _cuts(columns, rows * columns)]
    return [Window(top, bottom, 0, columns) for top, bottom in _cuts(rows, rows * columns)]


def _pieces(numbers: NDArray[np.generic], columns: int) -> list[_Piece]:
    """A matrix of so many columns in windows, and what is left over as a row of its own."""
    body = numbers.size // columns * columns
    arrays = [(numbers[:body], columns), (numbers[body:], numbers.size - body)]
    return [
        _Piece(array, width, window) for array, width in arrays if array.size for window in _windows(array.size // width, width)
    ]


def _outliers(scanned: list[tuple[_Piece, Part]], dtype: DType, kernels: Kernels, found: Moments) -> int | None:
    """How many numbers are outliers; None if the standard deviation is beyond float64."""
    if found.count == found.nan + found.inf:
        return 0
    if not isfinite(found.std):
        return None
    low, high = found.mean - OUTLIER_STDS * found.std, found.mean + OUTLIER_STDS * found.std
    suspects = [item for item in scanned if item[1].low < low or item[1].high > high]

    def outside(item: tuple[_Piece, Part]) -> int:
        piece, part = item
        return kernels.beyond(piece.numbers, dtype, piece.columns, part, low, high)

    return sum(_on_all_cores(outside, suspects, found.count))


def moments(numbers: NDArray[np.generic], dtype: DType, rows: int, *, backend: str | None = None) -> Moments:
    """The statistics of one tensor.

    Agrees with a float64 reference to 1e-6 relative, the mean relative to the standard deviation where that is larger. Blocks
    whose extremes are outliers are read a second time to count them, the others once. Sums that leave float64's range are
    infinite or NaN.

    Args:
        numbers: Flat, of type `dtype.storage`; usually a view of the mapped file.
        dtype: How they are stored.
        rows: The tensor's first dimension, 1 for a vector or scalar. Sums of rows and columns are None for 1 row, for more
            than `MOST_LINES` rows or columns, and for whole numbers.
        backend: "numba" or "numpy"; None is what `backends.backend()` says.
    """
    columns = numbers.size // rows if rows else 0
    kernels = kernels_for(backend, (dtype,), numbers)
    by_line = dtype.floating and rows > 1 and columns > 0 and max(rows, columns) <= MOST_LINES
    total = Total(np.zeros(rows), np.zeros(columns)) if by_line else Total(None, None)
    pieces = _pieces(numbers, columns if by_line else _LINE)
    scanned = []

    def scan(piece: _Piece) -> Part:
        return kernels.scan(piece.numbers, dtype, piece.columns, piece.window)

    for piece, part in zip(pieces, _on_all_cores(scan, pieces, numbers.size), strict=True):
        total.add(part)
        scanned.append((piece, replace(part, row_sums=_NOTHING, column_sums=_NOTHING)))
    found = total.moments(numbers.size)
    return replace(found, outliers=_outliers(scanned, dtype, kernels, found)) if dtype.floating else found


def change(
    before: NDArray[np.generic],
    before_dtype: DType,
    after: NDArray[np.generic],
    after_dtype: DType,
    *,
    backend: str | None = None,
) -> Change:
    """A tensor against its earlier self; flat arrays of as many numbers, which may be stored differently.

    `ulp_changed` is counted where the coarser of the two is a floating format of 16 bits at most.

    Raises:
        ValueError: if the two do not hold as many numbers.
    """
    if before.size != after.size:
        raise ValueError(f"{before.size} numbers cannot be compared with {after.size}")
    kernels = kernels_for(backend, (before_dtype, after_dtype), before, after)

    def compared(cut: tuple[int, int]) -> Change:
        return kernels.compare(before[slice(*cut)], before_dtype, after[slice(*cut)], after_dtype)

    return summed(_on_all_cores(compared, _cuts(before.size, before.size), before.size))
