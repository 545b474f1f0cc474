"""How far values lie from their middle, told so that a few wild ones do not matter."""

from __future__ import annotations

import numpy as np

from rldk_tui.statistics.windows import Floats, median

TO_SIGMA = 1.4826
"""Median absolute deviation to standard deviation, for a normal distribution: 1 / Phi^-1(3/4). Rousseeuw and Croux,
"Alternatives to the median absolute deviation", JASA 88 (1993)."""
RELATIVE_FLOOR = 0.02
"""A spread below 2 % of the level is rounding, not noise: the MAD is exactly 0 for shares and constant lengths."""

_MOST_CORRELATED = 0.95


def median_deviation(windows: Floats) -> Floats:
    """Median absolute deviation of each window, NaN entries left out.

    Args:
        windows: shape (k, size), each row with at least one value.

    Returns:
        Shape (k,).
    """
    return median(np.abs(windows - median(windows)[:, None]))


def robust_spread(windows: Floats, floor: float = 0.0, relative: float = RELATIVE_FLOOR) -> Floats:
    """Standard deviation of each window as its median deviation tells it, never below the floors.

    Args:
        windows: shape (k, size), each row with at least one value.
        floor: the least spread, in the values' own unit.
        relative: the least spread as a share of the median; 0 for logarithms, whose `floor` is relative already.

    Returns:
        Shape (k,), at least `floor` and `relative` of the window's median.
    """
    return middle_and_spread(windows, floor, relative)[1]


def middle_and_spread(windows: Floats, floor: float = 0.0, relative: float = RELATIVE_FLOOR) -> tuple[Floats, Floats]:
    """The median of each window and its `robust_spread`, for the price of one."""
    middle = median(windows)
    spread = TO_SIGMA * median(np.abs(windows - middle[:, None]))
    return middle, np.maximum(spread, np.maximum(floor, relative * np.abs(middle)))


def lag_one(windows: Floats) -> Floats:
    """Lag-1 autocorrelation of each window about its mean; 0 where nothing varies.

    Args:
        windows: shape (k, size), size at least 2, without NaN.
    """
    about = windows - windows.mean(axis=1, keepdims=True)
    varies = np.square(about).sum(axis=1)
    result = np.zeros(windows.shape[0])
    np.divide((about[:, 1:] * about[:, :-1]).sum(axis=1), varies, out=result, where=varies > 0)
    return result


def noise_about_trend(windows: Floats) -> Floats:
    """How far the values of each window scatter about a straight line, as the mean of independent values would feel it.

    1.4826 MAD of what the line leaves over, widened by sqrt((1 + r) / (1 - r)) for its lag-1 correlation r: neighbours that
    resemble each other wander further than their scatter tells. Never below `RELATIVE_FLOOR` of the median.

    Args:
        windows: shape (k, size), NaN only in front, each row with at least two values.

    Returns:
        Shape (k,).
    """
    there = ~np.isnan(windows)
    count = there.sum(axis=1)
    values = np.where(there, windows, 0.0)
    place = np.where(there, np.arange(windows.shape[1]), 0.0)
    place = np.where(there, place - (place.sum(axis=1) / count)[:, None], 0.0)
    about = np.where(there, values - (values.sum(axis=1) / count)[:, None], 0.0)
    slope = (place * about).sum(axis=1) / np.square(place).sum(axis=1)
    left = about - slope[:, None] * place
    correlation = np.clip(lag_one(left) + 1.0 / count, 0.0, _MOST_CORRELATED)
    spread = TO_SIGMA * median_deviation(np.where(there, left, np.nan))
    widened = spread * np.sqrt((1.0 + correlation) / (1.0 - correlation))
    result: Floats = np.maximum(widened, RELATIVE_FLOOR * np.abs(median(windows)))
    return result
