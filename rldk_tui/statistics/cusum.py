"""A sustained shift in one direction: the cumulative sum of Page, corrected for autocorrelation.

S = max(0, S + x - k) over x, the distance from a baseline in spreads, alarms beyond h (Page, Biometrika 41, 1954). Its
textbook false-alarm rates are void where neighbouring steps resemble each other, as they do in any training: at a lag-1
correlation of 0.6 the usual k = 0.5, h = 5 alarms 240 times in 10,000 steps of noise. Therefore the spread is inflated by
sqrt((1 + r) / (1 - r)), r the baseline's lag-1 correlation, and x is cut at +-4 spreads so that no single value decides.

The baseline is the median and the median deviation of the first values. In alarm the sum is held at h; the alarm ends when it
has fallen to half of that, some ten values after the level came back, and the baseline is learned anew. Steps of the sum are
rounded to 2^-20 spreads: sums of these are exact, so the result does not depend on how a series was cut.

1,000,000 values take 0.03 s on one core.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from rldk_tui.statistics.spread import RELATIVE_FLOOR, lag_one, middle_and_spread
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats

SHORT_RUN = 300
"""Logs below which a run is too short to spend 128 of them on a baseline: the catalogue's number."""
_MOST_CORRELATED = 0.95
_GRAIN = 2.0**20
_FIRST_STRETCH = 256


@dataclass(frozen=True, slots=True)
class Design:
    """What counts as a shift; the defaults are the catalogue's for long runs.

    Attributes:
        size: Values the baseline is learned from.
        allowance: k, the drift in spreads a value that is forgiven.
        limit: h, the sum beyond which the level has shifted.
        winsor: Spreads at which the distance of one value is cut.
        floor: The least spread, in the values' unit; above 0.
        relative: The least spread as a share of the baseline's median; 0 for logarithms.
    """

    size: int = 128
    allowance: float = 0.75
    limit: float = 12.0
    winsor: float = 4.0
    floor: float = 1e-6
    relative: float = RELATIVE_FLOOR


LONG = Design()
SHORT = Design(size=64, allowance=1.0, limit=10.0)


@dataclass(frozen=True, slots=True)
class CusumPast:
    """What `cusum` keeps.

    Attributes:
        learning: The first values, while there are too few for a baseline.
        middle: Of the baseline, and `spread` with its inflation; NaN while it is being learned.
        total: The sum.
        alarmed: Whether the level has shifted and not come back.
    """

    learning: Floats = field(default_factory=lambda: NOTHING_YET)
    middle: float = math.nan
    spread: float = math.nan
    total: float = 0.0
    alarmed: bool = False


@dataclass(frozen=True, slots=True)
class Cusum:
    """Of each value, shape (n,).

    Attributes:
        total: The sum; NaN while the baseline is being learned.
        alarm: Whether the level has shifted.
        middle: The baseline's median; NaN while it is being learned.
    """

    total: Floats
    alarm: Bools
    middle: Floats


def cusum(values: Floats, past: CusumPast, design: Design, direction: int) -> tuple[Cusum, CusumPast]:
    """Whether the level has shifted upwards or downwards at each new value.

    Args:
        values: shape (n,), finite, transformed so that their noise is about the same at every level.
        past: `CusumPast()` at first.
        design: see there.
        direction: 1 for a rise, -1 for a fall.

    Returns:
        The sums and alarms, and the new past.
    """
    found = Cusum(np.full(values.size, np.nan), np.zeros(values.size, np.bool_), np.full(values.size, np.nan))
    place, stretch = 0, _FIRST_STRETCH
    while place < values.size:
        if math.isnan(past.middle):
            taken = values[place : place + design.size - past.learning.size]
            past = _learned(np.concatenate((past.learning, taken)), design)
            place += taken.size
            continue
        before = past
        total, past = _followed(values[place : place + stretch], before, design, direction)
        done = slice(place, place + total.size)
        found.total[done], found.middle[done], found.alarm[done] = total, before.middle, before.alarmed
        if past.alarmed != before.alarmed:
            found.alarm[done.stop - 1] = past.alarmed
        stretch = 2 * stretch if past.alarmed == before.alarmed else _FIRST_STRETCH
        place = done.stop
    return found, past


def _learned(values: Floats, design: Design) -> CusumPast:
    """The baseline, once there are values enough."""
    if values.size < design.size:
        return CusumPast(learning=values)
    window = values[None, :]
    seen = min(max(float(lag_one(window)[0]) + 1.0 / design.size, 0.0), _MOST_CORRELATED)
    middle, spread = middle_and_spread(window, design.floor, design.relative)
    return CusumPast(middle=float(middle[0]), spread=float(spread[0]) * math.sqrt((1.0 + seen) / (1.0 - seen)))


def _followed(values: Floats, past: CusumPast, design: Design, direction: int) -> tuple[Floats, CusumPast]:
    """The sum at each value until the alarm begins or ends, that value included."""
    away = np.clip(direction * (values - past.middle) / past.spread, -design.winsor, design.winsor)
    path = past.total + np.cumsum(np.rint((away - design.allowance) * _GRAIN) / _GRAIN)
    if past.alarmed:  # held at the limit: what would lie above it is taken off
        total = path - np.maximum(np.maximum.accumulate(path) - design.limit, 0.0)
        turned = total < design.limit / 2
    else:
        total = path - np.minimum(np.minimum.accumulate(path), 0.0)
        turned = total > design.limit
    turn = int(turned.argmax())
    if not turned[turn]:
        return total, replace(past, total=float(total[-1]))
    if past.alarmed:
        return total[: turn + 1], CusumPast()
    return total[: turn + 1], replace(past, total=design.limit, alarmed=True)
