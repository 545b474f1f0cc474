"""Whether the rewards' distribution has two heaps or heavy tails; of rewards that take few values neither can be said."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rldk_tui.statistics.spread import TO_SIGMA
from rldk_tui.statistics.windows import Floats

FEWEST = 200
_VALUES = 20
VALLEY = 2.0
"""Times as many rewards as in the valley there must be on either heap."""
_SIGNIFICANT = 3.29
_BEYOND = 5.0
TAIL = 0.005
_FEWEST_IN_TAIL = 5


@dataclass(frozen=True, slots=True)
class Shape:
    """What was found: the evidence and its limit, and the two places it is about."""

    strength: float
    limit: float
    places: tuple[float, float]


def bimodal(rewards: Floats) -> Shape | None:
    """Two heaps: cut where the variance between two classes is largest (Otsu, IEEE SMC 9, 1979), with a valley between.

    The middle third of the way from one mean to the other must hold half as many rewards as a stretch of that width about
    either, and this significantly (Poisson counts, one in a thousand). Of one heap cut in two, the middle is the highest.

    Args:
        rewards: shape (n,), finite.
    """
    if not _judged(rewards):
        return None
    values = np.sort(rewards)
    unit = float(np.abs(values).max())
    scaled = values / unit
    count = np.arange(1, scaled.size)
    sums = np.cumsum(scaled)
    left = sums[:-1] / count
    right = (sums[-1] - sums[:-1]) / (scaled.size - count)
    cut = int(np.argmax(count * (scaled.size - count) * np.square(right - left)))
    low, high = float(left[cut]), float(right[cut])
    third = (high - low) / 3.0
    edges = np.array([low - third / 2, low + third / 2, low + third, high - third, high - third / 2, high + third / 2])
    places = np.searchsorted(scaled, edges)
    on_low, valley, on_high = int(places[1] - places[0]), int(places[3] - places[2]), int(places[5] - places[4])
    least = min(on_low, on_high)
    ratio = least / max(valley, 1)
    if ratio < VALLEY or least - valley <= _SIGNIFICANT * math.sqrt(least + valley):
        return None
    return Shape(ratio, VALLEY, (low * unit, high * unit))


def heavy_tailed(rewards: Floats) -> Shape | None:
    """Far more rewards beyond 5 robust spreads than the normal distribution's 6 in 10 million.

    Args:
        rewards: shape (n,), finite.
    """
    if not _judged(rewards):
        return None
    middle = float(np.median(rewards))
    far = np.abs(rewards - middle)
    spread = TO_SIGMA * float(np.median(far))
    if spread <= 0:
        return None
    beyond = int(np.count_nonzero(far > _BEYOND * spread))
    share = beyond / rewards.size
    if beyond < _FEWEST_IN_TAIL or share < TAIL:
        return None
    return Shape(share, TAIL, (float(rewards.min()), float(rewards.max())))


def _judged(rewards: Floats) -> bool:
    return rewards.size >= FEWEST and np.unique(rewards).size > _VALUES
