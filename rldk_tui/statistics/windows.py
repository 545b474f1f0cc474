"""Rolling windows over a series that arrives in pieces."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NOTHING_YET: Floats = np.empty(0)
"""The past of a series that has not begun."""
_CACHED = 32_768
"""Numbers in a quarter of a mebibyte."""


def windows(values: Floats, past: Floats, size: int) -> tuple[Floats, Floats]:
    """The trailing window of each new value, and the new past.

    Args:
        values: shape (n,), the new values.
        past: shape (≤ size − 1,), what the last call returned, `NOTHING_YET` at first.
        size: the window's length in values, the current one included.

    Returns:
        windows: shape (n, size), padded in front with NaN while fewer than `size` values were seen.
        past: shape (≤ size − 1,), to be given to the next call.
    """
    known = np.concatenate((past, values))
    if not values.size:
        return np.empty((0, size)), known
    kept = known[max(0, known.size - (size - 1)) :].copy()
    if values.size == 1:  # a row at a time is how a live run comes, and a strided view costs more than the window
        return np.concatenate((np.full(size - min(size, known.size), np.nan), known[-size:]))[None, :], kept
    padded = np.concatenate((np.full(size - 1 - past.size, np.nan), known))
    return np.lib.stride_tricks.sliding_window_view(padded, size), kept


def rolling(
    values: Floats, past: Floats, size: int, at_least: int, measure: Callable[[Floats], Floats]
) -> tuple[Floats, Floats]:
    """`measure` over the trailing window of each new value; NaN where the window holds fewer than `at_least` values.

    Args:
        values: shape (n,), finite.
        past: see `windows`.
        size: window length.
        at_least: values a window must hold before it says anything.
        measure: maps windows of shape (k, size), padded with NaN, to shape (k,).

    Returns:
        The measures, shape (n,), and the new past.
    """
    view, kept = windows(values, past, size)
    result = np.full(values.size, np.nan)
    first, step = max(0, at_least - 1 - past.size), rows_in_cache(size)
    for low in range(first, values.size, step):
        result[low : low + step] = measure(view[low : low + step])
    return result, kept


def rows_in_cache(size: int) -> int:
    """How many windows of this size to measure at once: sorting in the cache is eight times as fast as sorting beside it."""
    return max(1, _CACHED // size)


def median(view: Floats) -> Floats:
    """Median of each row, NaN entries left out.

    The two middle values are halved before they are added, so that no value is too large for it.

    Args:
        view: shape (k, size), each row with at least one value.
    """
    if view.shape[0] == 1:  # a live run's newest row
        values = view[0]
        known = np.sort(values[~np.isnan(values)])
        if not known.size:
            return np.array([np.nan])
        return np.array([known[(known.size - 1) // 2] / 2 + known[known.size // 2] / 2])
    ordered = np.sort(view, axis=1)  # NaN last
    count = np.count_nonzero(~np.isnan(view), axis=1)
    row = np.arange(view.shape[0])
    result: Floats = ordered[row, (count - 1) // 2] / 2 + ordered[row, count // 2] / 2
    return result


def _mean(view: Floats) -> Floats:
    result: Floats = np.nanmean(view, axis=1)
    return result


def rolling_median(values: Floats, past: Floats, size: int, at_least: int = 1) -> tuple[Floats, Floats]:
    """Trailing median of each new value; see `rolling`."""
    return rolling(values, past, size, at_least, median)


def rolling_mean(values: Floats, past: Floats, size: int, at_least: int = 1) -> tuple[Floats, Floats]:
    """Trailing mean of each new value; see `rolling`."""
    return rolling(values, past, size, at_least, _mean)


def m_of_n(flags: Bools, past: Floats, m: int, n: int) -> tuple[Bools, Floats]:
    """Whether at least `m` of the last `n` flags are set, at each new flag: persistence buys more than any threshold.

    Args:
        flags: shape (n_new,).
        past: see `windows`.
        m: how many must be set.
        n: out of how many.
    """
    known: Floats = np.concatenate((past, flags.astype(np.float64)))
    if flags.size == 1:  # a live run's newest row
        return np.array([known[-n:].sum() >= m]), known[max(0, known.size - (n - 1)) :]
    counts = np.concatenate(([0.0], np.cumsum(known)))
    ends = past.size + 1 + np.arange(flags.size)
    return counts[ends] - counts[np.maximum(ends - n, 0)] >= m, known[max(0, known.size - (n - 1)) :]
