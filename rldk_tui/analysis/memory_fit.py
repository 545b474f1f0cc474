"""When memory will be full, where its growth is steady enough to say so."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_WINDOW, _LEAST = 200, 30
"""Samples looked at, and the fewest from which anything is said."""
_GROWTH = 0.02
"""Share of the level that the window must have grown by: less is an allocator's noise."""
_EVEN = 0.2
"""Share of the growth that each third of the window must have: an allocator that jumps once and rests says nothing."""
_SCATTER = 0.25
"""Scatter around the line, as a share of its rise, from which on the line explains too little."""


def steps_until_full(steps: NDArray[np.int64], used: NDArray[np.float64], total: float) -> int | None:
    """Steps until a straight line through the last samples reaches the capacity.

    Args:
        steps: Shape (n,), not falling.
        used: Shape (n,), bytes; NaN where it was not measured.
        total: The capacity in bytes.

    Returns:
        None where there are too few samples, where growth is not even over the window, or where the line fits badly.
    """
    known = np.isfinite(used)
    steps, used = steps[known][-_WINDOW:], used[known][-_WINDOW:]
    if steps.size < _LEAST or steps[-1] <= steps[0] or not total > 0:
        return None
    at, level = (steps - steps[0]).astype(np.float64), used / total
    slope, floor = np.polyfit(at, level, 1)
    rise = slope * at[-1]
    if rise < _GROWTH * float(level.mean()) or float(np.std(level - floor - slope * at)) > _SCATTER * rise:
        return None
    thirds = [float(np.median(part)) for part in np.array_split(level, 6)]
    moves = np.diff(thirds[::2] + thirds[-1:])
    if float(moves.min()) < _EVEN * rise / 3:
        return None
    return max(0, int((1.0 - float(level[-1])) / slope))
