"""How far a reply's length tells its reward, within the replies to one prompt.

Prompts differ in how long and how well they can be answered, so the two are compared within each prompt's replies only.
What one step tells is too little; the sums given here add up over steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rldk_tui.statistics.rank import FEWEST, spearman
from rldk_tui.statistics.windows import Floats


@dataclass(frozen=True, slots=True)
class LengthReward:
    """Sums over groups of n replies, to be added over steps.

    Attributes:
        groups: Groups in which both length and reward varied.
        z: (n − 3) · atanh(Spearman's ρ): divided by `weight`, Fisher's mean of the correlations.
        weight: n − 3.
        covariance: Of length and reward about the group's means; divided by `variance`, reward a unit of length.
        variance: Of length about the group's mean.
    """

    groups: int = 0
    z: float = 0.0
    weight: float = 0.0
    covariance: float = 0.0
    variance: float = 0.0


def length_reward(groups: Sequence[tuple[Floats, Floats]]) -> LengthReward:
    """The sums of one step.

    Args:
        groups: lengths and rewards of each prompt's replies, NaN where nothing was scored.
    """
    count, z, weight, covariance, variance = 0, 0.0, 0.0, 0.0, 0.0
    for lengths, rewards in groups:
        known = np.isfinite(rewards)
        length, reward = lengths[known], rewards[known]
        if length.size < FEWEST:
            continue
        rho = spearman(length, reward)
        if rho is None:
            continue
        bound = 1.0 - 1.0 / length.size
        count += 1
        z += (length.size - 3) * math.atanh(min(max(rho, -bound), bound))
        weight += length.size - 3
        about = length - length.mean()
        covariance += float(about @ (reward - reward.mean()))
        variance += float(about @ about)
    return LengthReward(count, z, weight, covariance, variance)
