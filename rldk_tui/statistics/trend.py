"""Does a series rise or fall? Mann-Kendall's test, corrected for autocorrelation, with Theil and Sen's slope.

Neighbouring steps of a training resemble each other, and the plain test takes that for a trend: with a lag-1 correlation
of 0.9 it sees one in half of all trendless windows. The variance is therefore corrected as Yue and Wang do ("The
Mann-Kendall test modified by effective sample size", Water Resources Management 18, 2004), with the lag-1 correlation of
what the slope leaves over. The slope is the median of all pairwise slopes (Sen, JASA 63, 1968).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rldk_tui.statistics.spread import lag_one, median_deviation
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats

SIGNIFICANT = 3.29
"""|Z| beyond which a trend is believed: p = 0.001, two-sided."""
MATERIAL = 2.0
"""And it must move the series over the window by this many median deviations of what it leaves over."""
LARGEST = 1e100
"""Values beyond are cut to it: differences, squares and their sums then stay numbers."""
_MOST_CORRELATED = 0.95
_BATCH = 128


@dataclass(frozen=True, slots=True)
class Trends:
    """Of each window, shape (k,).

    Attributes:
        z: The corrected test statistic.
        slope: Theil and Sen's, a value.
        deviation: Median absolute deviation of what the slope leaves over.
    """

    z: Floats
    slope: Floats
    deviation: Floats


def trends(windows: Floats) -> Trends:
    """The trend of each window.

    Args:
        windows: shape (k, size), finite, size at least 3.
    """
    values = np.clip(windows, -LARGEST, LARGEST)
    size = values.shape[1]
    first, second = np.triu_indices(size, 1)
    rises = values[:, second] - values[:, first]
    slope = np.median(rises / (second - first), axis=1)
    left = values - slope[:, None] * np.arange(size)
    left = left - np.median(left, axis=1, keepdims=True)
    score = np.sign(rises).sum(axis=1)
    variance = _variance(values) * _inflation(lag_one(left), size)
    z = np.zeros(values.shape[0])
    np.divide(score - np.sign(score), np.sqrt(variance), out=z, where=variance > 0)
    return Trends(z=z, slope=slope, deviation=median_deviation(left))


def _variance(values: Floats) -> Floats:
    """Variance of Kendall's score without trend, ties considered."""
    size = values.shape[1]
    equal = (values[:, :, None] == values[:, None, :]).sum(axis=2)
    tied = ((equal - 1) * (2 * equal + 5)).sum(axis=1)
    result: Floats = (size * (size - 1) * (2 * size + 5) - tied) / 18.0
    return result


def _inflation(correlation: Floats, size: int) -> Floats:
    """How many times larger the variance is because neighbours resemble each other."""
    seen = np.clip(correlation + 1.0 / size, 0.0, _MOST_CORRELATED)
    lags = np.arange(1, size)
    result: Floats = 1.0 + 2.0 * ((1.0 - lags / size) * seen[:, None] ** lags).sum(axis=1)
    return result


def directions(windows: Floats) -> Floats:
    """1 where a window rises, -1 where it falls, 0 where neither is significant and material; shape (k,).

    The correction only ever widens the variance, so a window without a trend by the plain test needs no slope: that saves
    the median over all pairs in nearly every window of a series that goes nowhere.

    Args:
        windows: shape (k, size), finite, size at least 3.
    """
    values = np.clip(windows, -LARGEST, LARGEST)
    size = values.shape[1]
    score = np.zeros(values.shape[0])
    for apart in range(1, size):
        score += np.sign(values[:, apart:] - values[:, :-apart]).sum(axis=1)
    perhaps = np.flatnonzero(np.abs(score) - 1.0 > SIGNIFICANT * np.sqrt(_variance(values)))
    result = np.zeros(values.shape[0])
    if perhaps.size:
        found = trends(values[perhaps])
        result[perhaps] = np.where(believed(found, size), np.sign(found.slope), 0.0)
    return result


def believed(found: Trends, size: int) -> Bools:
    """Which trends of windows of this size are significant, and material beside what they leave over; shape (k,)."""
    result: Bools = (np.abs(found.z) > SIGNIFICANT) & (np.abs(found.slope) * size >= MATERIAL * found.deviation)
    return result


@dataclass(frozen=True, slots=True)
class DirectionPast:
    """What `rolling_direction` keeps: the last values, how many it saw in all, and its last word."""

    values: Floats = field(default_factory=lambda: NOTHING_YET)
    seen: int = 0
    latest: float = float("nan")


def rolling_direction(values: Floats, past: DirectionPast, size: int = 64, every: int = 32) -> tuple[Floats, DirectionPast]:
    """The direction of the last `size` values, tested anew after every `every` values seen; NaN before the first test.

    The first test is made on `every` values, later ones on as many as there are up to `size`.

    Args:
        values: shape (n,), finite.
        past: `DirectionPast()` at first.
        size: values in a full window.
        every: values between two tests, counted from the first value of the series.

    Returns:
        1, 0, -1 or NaN at each value, shape (n,), and the new past.
    """
    known = np.concatenate((past.values, values))
    counts = past.seen + 1 + np.arange(values.size)
    due = np.flatnonzero(counts % every == 0)
    result = np.full(values.size, np.nan)
    ends = past.values.size + due + 1
    lengths = np.minimum(counts[due], size)
    for length in np.unique(lengths):
        for part in np.array_split(np.flatnonzero(lengths == length), 1 + due.size // _BATCH):
            if part.size:
                windows = known[ends[part, None] - length + np.arange(length)]
                result[due[part]] = directions(windows)
    held = np.concatenate(([past.latest], result[due]))
    result = held[np.searchsorted(due, np.arange(values.size), side="right")]
    latest = float(result[-1]) if values.size else past.latest
    kept = known[max(0, known.size - (size - 1)) :].copy()
    return result, DirectionPast(kept, past.seen + values.size, latest)
