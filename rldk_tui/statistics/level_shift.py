"""One lasting change of level, and one lasting period, in a series whose neighbours resemble each other.

The level shift is the split at which the means before and after differ by most standard errors (Andrews, Econometrica 61,
1993), these widened by the autocorrelation of what the two means leave over. The period is the largest ordinate of the
periodogram (Fisher's g, Proceedings of the Royal Society A 125, 1929) after a line and the lag-1 correlation are taken out, for
in a series that wanders slow swings hold most of the variance without being periodic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rldk_tui.statistics.dependence import about_line, correlation_time
from rldk_tui.statistics.spread import lag_one
from rldk_tui.statistics.windows import Floats

SIDE = 5
"""Values there must be on either side of a shift."""
ERRORS = 5.0
SPREADS = 3.0
BETTER_THAN_A_LINE = 0.6
RARELY = 1e-4
"""A series is tested anew with every value that it grows by."""
PERIODIC = 0.4
_FEWEST = 24
_LONGEST = 3.0
_SHORTEST = 3.0
_MOST_CORRELATED = 0.95
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class LevelShift:
    """A change of level.

    Attributes:
        at: The first value of the new level.
        before, after: The two means.
        errors: Standard errors between them, and the `limit` of that.
        spreads: Standard deviations, of what the two means leave over, between them.
    """

    at: int
    before: float
    after: float
    errors: float
    limit: float
    spreads: float


@dataclass(frozen=True, slots=True)
class Cycle:
    """A period.

    Attributes:
        period: In values.
        share: Of the variance about a line, and the `limit` of that.
        p_value: How often noise has as large an ordinate.
    """

    period: float
    share: float
    limit: float
    p_value: float


def level_shift(values: Floats) -> LevelShift | None:
    """The change of level, where there is one beyond doubt.

    Args:
        values: shape (n,), finite.
    """
    size = values.size
    if size < 2 * SIDE:
        return None
    unit = float(np.abs(values - values[0]).max())
    if unit <= _SAME * float(np.abs(values).max()):
        return None
    scaled = (values - values[0]) / unit
    count = np.arange(SIDE, size - SIDE + 1)
    sums = np.cumsum(scaled)
    left = sums[count - 1] / count
    right = (sums[-1] - sums[count - 1]) / (size - count)
    split = int(np.argmax(count * (size - count) * np.square(right - left)))
    at = int(count[split])
    apart = abs(float(right[split] - left[split]))
    over = np.concatenate((scaled[:at] - left[split], scaled[at:] - right[split]))
    squares = float(np.square(over).sum())
    spread = max(math.sqrt(squares / (size - 2)), _SAME)
    error = spread * math.sqrt(_inflation(over) * (1.0 / at + 1.0 / (size - at)))
    line = float(np.square(about_line(scaled)).sum())
    if apart < ERRORS * error or apart < SPREADS * spread or squares > BETTER_THAN_A_LINE * line:
        return None
    return LevelShift(
        at=at,
        before=float(values[:at].mean()),
        after=float(values[at:].mean()),
        errors=apart / error,
        limit=ERRORS,
        spreads=apart / spread,
    )


def cycle(values: Floats) -> Cycle | None:
    """The period, where there is one beyond doubt: at least three values long, and three times in the series.

    Args:
        values: shape (n,), finite.
    """
    size = values.size
    if size < _FEWEST:
        return None
    unit = float(np.abs(values - values[0]).max())
    if unit <= _SAME * float(np.abs(values).max()):
        return None
    about = about_line((values - values[0]) / unit)
    correlation = min(max(float(lag_one(about[None, :])[0]), 0.0), _MOST_CORRELATED)
    innovations = about[1:] - correlation * about[:-1]
    power = np.abs(np.fft.rfft(innovations)[1:]) ** 2
    total, place = float(power.sum()), int(np.argmax(power))
    period = innovations.size / (place + 1)
    if total <= 0 or not _SHORTEST <= period <= size / _LONGEST:
        return None
    g = float(power[place]) / total
    p_value = min(1.0, power.size * (1.0 - g) ** (power.size - 1))
    share = _sine_share(about, period)
    if p_value > RARELY or share < PERIODIC:
        return None
    return Cycle(period=period, share=share, limit=PERIODIC, p_value=p_value)


def _inflation(left: Floats) -> float:
    """How many values are worth one, told so that few of them do not hide how alike neighbours are (Kendall's bias)."""
    seen = float(lag_one(left[None, :])[0])
    likely = min(max(seen + (1.0 + 3.0 * max(seen, 0.0)) / left.size, 0.0), _MOST_CORRELATED)
    return max(correlation_time(left), (1.0 + likely) / (1.0 - likely))


def _sine_share(values: Floats, period: float) -> float:
    """The share of the squares that a sine of this period explains."""
    turns = 2.0 * math.pi * np.arange(values.size) / period
    waves = np.stack((np.sin(turns), np.cos(turns)), axis=1)
    fitted = waves @ np.linalg.lstsq(waves, values, rcond=None)[0]
    return float(fitted @ fitted) / float(values @ values)
