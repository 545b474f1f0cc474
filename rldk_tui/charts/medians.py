"""The course of a noisy series: medians of equal stretches, and what lies around them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STRETCHES = 60
"""As many as a small picture can tell apart."""


def medians(
    steps: NDArray[np.int64], values: NDArray[np.float64], stretches: int = STRETCHES
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The middle step and the median of the finite values of each of at most `stretches` equal stretches.

    A stretch without a finite value has the median NaN.
    """
    if not steps.size:
        return steps, values
    table = _sorted_stretches(values, stretches)
    known = np.count_nonzero(~np.isnan(table), axis=1)
    row, last = np.arange(len(table)), np.maximum(known - 1, 0)
    low, high = table[row, last // 2], table[row, (last + 1) // 2]
    middle = np.clip(0.5 * low + 0.5 * high, low, high)  # half of the smallest number is 0
    first = row * table.shape[1]
    end = np.minimum(first + table.shape[1], steps.size)
    return steps[(first + end - 1) // 2], middle


def around(
    values: NDArray[np.float64], stretches: int = STRETCHES
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """The lowest and the highest finite value of each stretch that `medians` has, NaN without one; how many are not finite."""
    if not values.size:
        return values, values, np.empty(0, np.intp)
    table = _sorted_stretches(values, stretches)
    known = np.count_nonzero(~np.isnan(table), axis=1)
    row, length = np.arange(len(table)), table.shape[1]
    logged = np.minimum(length, values.size - row * length)
    return table[:, 0], table[row, np.maximum(known - 1, 0)], logged - known


def _sorted_stretches(values: NDArray[np.float64], stretches: int) -> NDArray[np.float64]:
    """A row a stretch, its finite values in ascending order, then NaN."""
    length = -(-values.size // stretches)
    count = -(-values.size // length)
    padded = np.full(count * length, np.nan)
    padded[: values.size] = np.where(np.isfinite(values), values, np.nan)
    table: NDArray[np.float64] = np.sort(padded.reshape(count, length), axis=1)
    return table
