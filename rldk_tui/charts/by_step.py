"""A series laid out along its steps: where nothing was logged for long, the picture has a hole of that length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rldk_tui.charts.columns import Columns
from rldk_tui.charts.growing import NO_VALUE, NOT_FINITE

_HOLE = 3.0
"""Times the usual distance of two logs from which on the line between them is not drawn."""


def along_steps(
    steps: NDArray[np.int64],
    values: NDArray[np.float64],
    none: NDArray[np.bool_],
    window: tuple[int, int],
    columns: int,
) -> Columns:
    """The part of a series that lies in the window, in exactly so many columns of equally many steps.

    Args:
        steps: Shape (n,), not falling.
        values: Shape (n,).
        none: Shape (n,): where None was logged.
        window: The first and the last step of the picture.
        columns: At least 1.

    Returns:
        Each column's lowest and highest finite value and what else was logged there. Columns between two logs of the usual
        distance lie on the line between them; others have NaN.
    """
    first, last = window
    low, high = np.full(columns, np.nan), np.full(columns, np.nan)
    marks = np.zeros(columns, np.uint8)
    scale = (last - first) / max(1, columns - 1)
    ends = first + np.round(np.arange(columns) * scale).astype(np.int64)
    begin, end = (int(index) for index in np.searchsorted(steps, [first, last + 1]))
    if begin < end:
        place = column_of(steps[begin:end], window, columns)
        finite = np.isfinite(values[begin:end]) & ~none[begin:end]
        known = np.where(finite, values[begin:end], np.nan)
        odd = np.where(none[begin:end], NO_VALUE, np.where(finite, 0, NOT_FINITE)).astype(np.uint8)
        filled, starts = np.unique(place, return_index=True)
        low[filled] = np.fmin.reduceat(known, starts)
        high[filled] = np.fmax.reduceat(known, starts)
        marks[filled] = np.bitwise_or.reduceat(odd, starts)
        usual = float(np.median(np.diff(steps[max(0, end - 1000) : end]))) if end - begin > 1 else 1.0
        _bridge(low, high, marks, _HOLE * max(1.0, usual) / scale if scale else 1.0)
    return Columns(low, high, marks, ends)


def column_of(steps: NDArray[np.int64], window: tuple[int, int], columns: int) -> NDArray[np.intp]:
    """The column of each step of the window."""
    first, last = window
    if last <= first:
        return np.zeros(steps.shape, np.intp)
    return np.clip(np.round((steps - first) * (columns - 1) / (last - first)), 0, columns - 1).astype(np.intp)


def _bridge(low: NDArray[np.float64], high: NDArray[np.float64], marks: NDArray[np.uint8], widest: float) -> None:
    """Fill the columns between two logs that are no further apart than usual, in place."""
    known = np.flatnonzero(~np.isnan(low))
    if known.size < 2:
        return
    middle = low[known] / 2 + high[known] / 2
    empty = np.flatnonzero(np.isnan(low))
    after = np.searchsorted(known, empty)
    inner = (after > 0) & (after < known.size)
    empty, after = empty[inner], after[inner]
    near = (known[after] - known[after - 1] <= max(1.0, widest)) & (marks[empty] == 0)
    empty, after = empty[near], after[near]
    before = after - 1
    share = (empty - known[before]) / (known[after] - known[before])
    low[empty] = high[empty] = (1.0 - share) * middle[before] + share * middle[after]
