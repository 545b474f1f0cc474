"""Is the mean of a series of differences more than its noise, where neighbours resemble each other?

Circular blocks of the differences (Politis and Romano, 1992), longer than their values resemble each other, are drawn with
replacement; how far the means of the draws lie apart is how far the mean may be from the true one. Short series make that look
smaller than it is, so it is never taken below what a first-order autoregression of the same lag-one correlation has, corrected
for its bias (Kendall, Biometrika 41, 1954), and it is widened by Student's quantile for as many values as the series is worth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rldk_tui.statistics.dependence import about_line, correlation_time
from rldk_tui.statistics.windows import Floats

FEWEST = 20
"""Differences below which nothing is said."""
_BLOCKS = 8
"""Blocks that a series has at least, and independent values that it must be worth."""
_DRAWS = 2000
_SEED = 7
"""One seed for all, so that one run of the tool says what the next one says."""
_NORMAL = 2.576
"""Standard deviations beyond which 1 % of normal values lie."""


@dataclass(frozen=True, slots=True)
class MeanDifference:
    """A mean and the interval that holds the true one 99 times of 100.

    Attributes:
        independent: How many independent values the series is worth.
    """

    mean: float
    low: float
    high: float
    independent: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0.0 or self.high < 0.0


def mean_difference(differences: Floats) -> MeanDifference | None:
    """The mean of the differences with its interval; None where they are worth too few independent ones to tell.

    Args:
        differences: Shape (n,), finite, in the order of time.
    """
    size = differences.size
    if size < FEWEST:
        return None
    scale = float(np.abs(differences).max())
    if scale == 0.0:
        return MeanDifference(0.0, 0.0, 0.0, float(size))
    values = differences / scale  # squares of huge values are no numbers
    left = about_line(values)
    time = _autoregressive_time(left)
    if time is None or size / time < _BLOCKS:
        return None
    spread = max(_block_spread(values), float(left.std()) * math.sqrt(time / size))
    reach = _student(min(size / time, float(size - 1))) * spread
    mean = float(values.mean())
    return MeanDifference(mean * scale, (mean - reach) * scale, (mean + reach) * scale, size / time)


def _autoregressive_time(left: Floats) -> float | None:
    """Values that are worth one independent value; None where the series hardly forgets."""
    power = float(left @ left)
    if power == 0.0:
        return 1.0
    raw = float(left[1:] @ left[:-1]) / power
    correlation = max(0.0, raw + (2.0 + 4.0 * raw) / left.size)  # its bias where a line was taken off
    return (1.0 + correlation) / (1.0 - correlation) if correlation < 1.0 else None


def _block_spread(values: Floats) -> float:
    """Standard deviation of the means of the draws."""
    size = values.size
    block = min(size // _BLOCKS, max(math.ceil(size ** (1 / 3)), math.ceil(2.0 * correlation_time(values))))
    starts = np.random.default_rng(_SEED).integers(0, size, (_DRAWS, -(-size // block)))
    places = (starts[:, :, None] + np.arange(block)).reshape(_DRAWS, -1)[:, :size] % size
    return float(values[places].mean(axis=1).std())


def _student(freedom: float) -> float:
    """The two-sided 99 % quantile of Student's t, by Cornish and Fisher's expansion (1937); within 2 % from 5 degrees on."""
    z, v = _NORMAL, freedom
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (z**7 * 3 + 19 * z**5 + 17 * z**3) / (384 * v**3)
    )
