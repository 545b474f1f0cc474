"""Does the distribution of the rewards stay what it was? Its newer half against the older, and the window against the first.

A limit of the effect and one of chance must both be crossed. Effect: a population stability index of 0.1 is a moderate, 0.25 a
large shift (Siddiqi, "Credit Risk Scorecards", 2006; convention, not law), or a Kolmogorov-Smirnov distance of 0.2, the same
for a shift by half a standard deviation. Chance: what one in a thousand comparisons without any change exceeds, where rewards
that resemble their neighbours (replies to one prompt, a level that wanders from step to step) count as fewer: the sizes of
both samples are told in independent values, by the autocorrelation within them and by how far the step means before them
wandered about a line.

Where both effects are beyond their limits and neither is beyond chance, there are too few independent values to tell.

A reward that rises as it should is a shift as well: `trend` says which way it goes, this says that yesterday's rewards are no
measure of today's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from rldk_tui.analysis.rewards.window import RewardWindow
from rldk_tui.statistics.dependence import about_line, correlation_time, effective
from rldk_tui.statistics.two_samples import kolmogorov_smirnov, ks_p_value, psi, psi_by_chance
from rldk_tui.statistics.windows import Floats

FEWEST = 50
"""Rewards in each of two samples: five to a bin."""
MODERATE, LARGE = 0.1, 0.25
FAR = 0.2
ONE_IN_A_THOUSAND = 0.001
_DEVIATIONS = 3.09
_FEWEST_STEPS = 10
_LEAST = 4.0


class Shift(StrEnum):
    """What is said of two samples."""

    NOT_ENOUGH = "not enough"
    STABLE = "stable"
    MODERATE = "moderate shift"
    LARGE = "large shift"


_RISING = (Shift.STABLE, Shift.NOT_ENOUGH, Shift.MODERATE, Shift.LARGE)
"""What is said of both comparisons: one that may be a shift and may be chance leaves open what the other calls stable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One comparison.

    Attributes:
        psi: Population stability index; `psi_by_chance` is exceeded once in a thousand comparisons without any change.
        ks: Kolmogorov-Smirnov distance, 0 to 1, and the `p_value` of it.
        shift: Difference of the means, in standard deviations of both samples pooled: the effect size (Cohen's d); 0 where
            neither varies.
        effective: Independent values that the smaller sample is worth.
        verdict: What is said of it.
    """

    psi: float
    psi_by_chance: float
    ks: float
    p_value: float
    shift: float
    effective: float
    verdict: Shift


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """How much the distribution moved.

    Attributes:
        recent: The newer half of the window against the older one; None with too few rewards.
        since_start: The whole window against the first of all; None until the two no longer overlap.
        verdict: The graver of the two.
    """

    recent: Drift | None
    since_start: Drift | None
    verdict: Shift


def stability(window: RewardWindow) -> Stability:
    """Both comparisons, as far as there are rewards for them."""
    half = window.rewards.size // 2
    old, new = window.rewards[:half], window.rewards[half:]
    recent = drift(old, new, _design(window, half)) if half >= FEWEST else None
    apart = window.first.size == window.size and window.seen >= 2 * window.size and window.rewards.size >= FEWEST
    since = drift(window.first, window.rewards, _design(window, 0)) if apart else None
    verdicts = [found.verdict for found in (recent, since) if found is not None]
    return Stability(recent=recent, since_start=since, verdict=max(verdicts, key=_RISING.index, default=Shift.NOT_ENOUGH))


def _design(window: RewardWindow, begin: int) -> float:
    """Rewards that are worth one, by how the means of the steps before reward `begin` of the window wandered; at least 1.

    The variance of step means about a line, times the rewards a step has, is the variance of single ones if all are independent
    (Kish's design effect); neighbouring steps that resemble each other widen it once more.
    """
    earlier = window.means[window.at < window.steps[begin]]
    if earlier.size < _FEWEST_STEPS:
        return 1.0
    left = about_line(earlier)
    spread = float(window.rewards.std())
    if spread <= 0.0 or float(left.std()) <= 0.0:
        return 1.0
    a_step = window.rewards.size / np.unique(window.steps).size
    return max(1.0, float(left.std() / spread) ** 2 * a_step * correlation_time(left))


def drift(old: Floats, new: Floats, design: float = 1.0) -> Drift:
    """How far the newer rewards lie from the older.

    Args:
        old: shape (n,), finite, not empty, in the order in which they came.
        new: shape (m,), likewise.
        design: Rewards that are worth one, where more is known than the samples tell by themselves.
    """
    worth_old, worth_new = (min(effective(part), max(_LEAST, part.size / design)) for part in (old, new))
    index, bins = psi(old, new)
    chance = psi_by_chance(bins, worth_old, worth_new, _DEVIATIONS)
    distance = kolmogorov_smirnov(old, new)
    p_value = ks_p_value(distance, worth_old, worth_new)
    return Drift(
        psi=index,
        psi_by_chance=chance,
        ks=distance,
        p_value=p_value,
        shift=_standardised(old, new),
        effective=min(worth_old, worth_new),
        verdict=_verdict((index, index > chance), (distance, p_value < ONE_IN_A_THOUSAND)),
    )


def _verdict(index: tuple[float, bool], distance: tuple[float, bool]) -> Shift:
    """By each measure and whether chance is ruled out; a shift that might be one and might be chance is no stability."""
    psi_found, ks_found = (value if sure else 0.0 for value, sure in (index, distance))
    if psi_found >= LARGE:
        return Shift.LARGE
    if psi_found >= MODERATE or ks_found >= FAR:
        return Shift.MODERATE
    return Shift.NOT_ENOUGH if index[0] >= LARGE and distance[0] >= FAR else Shift.STABLE


def _standardised(old: Floats, new: Floats) -> float:
    unit = max(float(np.abs(old).max()), float(np.abs(new).max()))
    if unit == 0.0:
        return 0.0
    old, new = old / unit, new / unit  # the squares of huge rewards are no numbers
    pooled = float(np.sqrt((old.size * old.var() + new.size * new.var()) / (old.size + new.size)))
    return float((new.mean() - old.mean()) / pooled) if pooled > 1e-12 else 0.0
