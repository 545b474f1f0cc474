"""One pass over a tensor, or over a tensor and its earlier self, on all cores.

A tensor is taken in runs of whole rows, and the kernels release the interpreter's lock. Beside the result, memory is taken for
the runs in hand where they are copied, for blocks that fit the cache, for two numbers of every block, and for the sums of the
rows and columns of some runs.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from itertools import pairwise
from math import isfinite
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from rldk_tui.checkpoints.kernels.backends import Kernels, kernels_for
from rldk_tui.checkpoints.kernels.part import Part, Total, summed
from rldk_tui.checkpoints.statistics import OUTLIER_STDS, Change, Moments
from rldk_tui.checkpoints.tensor_reader import Numbers
from rldk_tui.checkpoints.tensors import DType

MOST_LINES = 1 << 20
"""More rows or columns than this are not summed one by one: their sums would take more than 8 MiB. A vocabulary has 2^18."""

_LINE = 1024
"""A vector is read as a matrix of this many columns."""
_PARTS = 16
"""Runs of a large tensor, at least: more than cores, so that a core that is slowed down takes fewer."""
_LONGEST = 1 << 22
"""Numbers of a run where a row has fewer: as many as a thread may copy at a time."""
_WORTH_A_THREAD = 1 << 20
"""Numbers; handing work to threads costs as much time as reading this many."""

_NOTHING = np.empty(0)

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class _Run(NamedTuple):
    """Numbers from `begin` to `end`, whole rows of so many columns."""

    begin: int
    end: int
    columns: int


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool(threads: int, _process: int) -> ThreadPoolExecutor:
    """Threads for the runs of all tensors that are in hand: what waits for them is none of them. A fork has none of them."""
    return ThreadPoolExecutor(threads, thread_name_prefix="rldk-checkpoint-run")


def _on_all_cores(function: Callable[[_Item], _Result], items: Sequence[_Item], count: int) -> Iterator[_Result]:
    """The results in the order of the items; few of them wait to be taken."""
    if len(items) < 2 or count < _WORTH_A_THREAD or (threads := _cores()) < 2:
        yield from map(function, items)
        return
    pending: deque[Future[_Result]] = deque()
    try:
        for item in items:
            pending.append(_pool(threads, os.getpid()).submit(function, item))
            if len(pending) > 2 * threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


def _runs(size: int, columns: int) -> list[_Run]:
    """Rows of so many columns in runs, and what is left over as a row of its own."""
    if not size:
        return []
    rows, left = divmod(size, columns)
    parts = min(rows, max(1, -(-size // _LONGEST), min(_PARTS, size // _WORTH_A_THREAD)))
    edges = [rows * part // parts * columns for part in range(parts + 1)] if parts else []
    runs = [_Run(begin, end, columns) for begin, end in pairwise(edges)]
    if left:
        runs.append(_Run(size - left, size, left))
    return runs


def _array(numbers: Numbers, run: _Run) -> NDArray[np.generic]:
    """The numbers of a run as the kernels want them."""
    array = numbers[run.begin : run.end]
    return array if array.flags.aligned and array.flags.c_contiguous else array.copy()


def _outliers(numbers: Numbers, dtype: DType, kernels: Kernels, scanned: list[tuple[_Run, Part]], total: Total) -> int | None:
    """How many numbers are outliers; None for whole numbers, and if the standard deviation is beyond float64."""
    mean, std = total.spread
    if not dtype.floating or not isfinite(std):
        return None if total.finite or not dtype.floating else 0
    low, high = mean - OUTLIER_STDS * std, mean + OUTLIER_STDS * std
    if low <= total.low and total.high <= high:
        return 0
    suspects = [item for item in scanned if item[1].low < low or item[1].high > high]

    def outside(item: tuple[_Run, Part]) -> int:
        run, part = item
        return kernels.beyond(_array(numbers, run), dtype, run.columns, part, low, high)

    return sum(_on_all_cores(outside, suspects, numbers.size))


def moments(numbers: Numbers, dtype: DType, rows: int, *, backend: str | None = None) -> Moments:
    """The statistics of one tensor.

    Agrees with a float64 reference to 1e-6 relative, the mean relative to the standard deviation where that is larger. Blocks
    whose extremes are outliers are read a second time to count them, the others once. Sums that leave float64's range are
    infinite or NaN.

    Args:
        numbers: Flat, of type `dtype.storage`.
        dtype: How they are stored.
        rows: The tensor's first dimension, 1 for a vector or scalar. Sums of rows and columns are None for 1 row, for more
            than `MOST_LINES` rows or columns, and for whole numbers.
        backend: "numba" or "numpy"; None is what `backends.backend()` says.

    Raises:
        OSError: if the numbers cannot be read.
    """
    columns = numbers.size // rows if rows else 0
    by_line = dtype.floating and rows > 1 and columns > 0 and max(rows, columns) <= MOST_LINES
    kernels = kernels_for(backend, dtype)
    total = Total(np.zeros(rows), np.zeros(columns)) if by_line else Total(None, None)
    runs = _runs(numbers.size, columns if by_line else _LINE)
    scanned = []

    def scan(run: _Run) -> Part:
        return kernels.scan(_array(numbers, run), dtype, run.columns)

    for run, part in zip(runs, _on_all_cores(scan, runs, numbers.size), strict=True):
        total.add(part, run.begin // run.columns)
        scanned.append((run, part if len(runs) == 1 else replace(part, row_sums=_NOTHING, column_sums=_NOTHING)))
    return total.moments(numbers.size, _outliers(numbers, dtype, kernels, scanned, total))


def change(before: Numbers, before_dtype: DType, after: Numbers, after_dtype: DType, *, backend: str | None = None) -> Change:
    """A tensor against its earlier self; flat, of as many numbers, which may be stored differently.

    `ulp_changed` is counted where the coarser of the two is a floating format of 16 bits at most.

    Raises:
        ValueError: if the two do not hold as many numbers.
        OSError: if they cannot be read.
    """
    if before.size != after.size:
        raise ValueError(f"{before.size} numbers cannot be compared with {after.size}")

    kernels = kernels_for(backend, before_dtype, after_dtype)

    def compared(run: _Run) -> Change:
        return kernels.compare(_array(before, run), before_dtype, _array(after, run), after_dtype)

    return summed(_on_all_cores(compared, _runs(before.size, _LINE), before.size))
