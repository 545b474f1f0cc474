"""The course of a noisy series: medians of equal stretches."""

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
    length = -(-steps.size // stretches)
    count = -(-steps.size // length)
    padded = np.full(count * length, np.nan)
    padded[: values.size] = np.where(np.isfinite(values), values, np.nan)
    table = np.sort(padded.reshape(count, length), axis=1)  # NaN last
    known = np.count_nonzero(~np.isnan(table), axis=1)
    row, last = np.arange(count), np.maximum(known - 1, 0)
    low, high = table[row, last // 2], table[row, (last + 1) // 2]
    middle = np.clip(0.5 * low + 0.5 * high, low, high)  # half of the smallest number is 0
    first = row * length
    end = np.minimum(first + length, steps.size)
    return steps[(first + end - 1) // 2], middle
