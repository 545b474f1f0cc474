"""How much a series of values that resemble their neighbours tells, counted in independent values.

The integrated autocorrelation time, 1 + 2 sum of the autocorrelations, says how many values are worth one. The sum ends where
the autocorrelations of two neighbouring lags no longer add up to more than 0 (Geyer's initial positive sequence, Statistical
Science 7, 1992): beyond that it adds up noise.
"""

from __future__ import annotations

import numpy as np

from rldk_tui.statistics.windows import Floats

_FEWEST = 4.0


def correlation_time(values: Floats) -> float:
    """Values that are worth one independent value; at least 1, and 1 where nothing varies.

    Args:
        values: shape (n,), finite, in the order in which they came.
    """
    about = values - values.mean() if values.size else values
    size = about.size
    scale = float(np.abs(about).max()) if size else 0.0
    if size < 4 or scale == 0.0:
        return 1.0
    about = about / scale  # squares of huge values are no numbers
    length = 1 << (2 * size - 1).bit_length()
    power = np.abs(np.fft.rfft(about, length)) ** 2
    correlations = np.fft.irfft(power, length)[:size]
    correlations = correlations / correlations[0]
    pairs = correlations[: size // 2 * 2].reshape(-1, 2).sum(axis=1)
    ended = np.flatnonzero(pairs <= 0)
    last = int(ended[0]) if ended.size else pairs.size
    return max(1.0, 2.0 * float(pairs[:last].sum()) - 1.0)


def effective(values: Floats) -> float:
    """How many independent values the series is worth, from 4 to its length."""
    return min(float(values.size), max(_FEWEST, values.size / correlation_time(values)))


def about_line(values: Floats) -> Floats:
    """What the least-squares line leaves over.

    Args:
        values: shape (n,), finite.
    """
    if values.size < 2:
        return np.zeros(values.size)
    place = np.arange(values.size) - (values.size - 1) / 2.0
    about = values - values.mean()
    result: Floats = about - float(place @ about) / float(place @ place) * place
    return result
