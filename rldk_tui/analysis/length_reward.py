"""How far a reply's length tells its reward, within the replies to one prompt.

Prompts differ in how long and how well they can be answered, so the two are compared within each prompt's replies only.
What one step tells is too little; the sums given here add up over steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rldk_tui.statistics.rank import FEWEST, spearman_of_each
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


def length_reward(lengths: Floats, rewards: Floats, groups: NDArray[np.intp]) -> LengthReward:
    """The sums of one step.

    Args:
        lengths: shape (n,), of each reply.
        rewards: shape (n,), NaN where nothing was scored.
        groups: shape (n,), the number of the prompt each reply is to; below 0 for one that stands alone.
    """
    known = np.isfinite(rewards) & (groups >= 0)
    if not known.any():
        return LengthReward()
    _, group = np.unique(groups[known], return_inverse=True)
    length, reward = lengths[known], rewards[known]
    rho, count = spearman_of_each(length, reward, group)
    told = (count >= FEWEST) & np.isfinite(rho)
    weight, bound = count[told] - 3, 1.0 - 1.0 / count[told]
    about, apart = (values - (np.bincount(group, values) / count)[group] for values in (length, reward))
    return LengthReward(
        groups=int(told.sum()),
        z=float(weight @ np.arctanh(np.clip(rho[told], -bound, bound))),
        weight=float(weight.sum()),
        covariance=float(np.bincount(group, about * apart)[told].sum()),
        variance=float(np.bincount(group, about * about)[told].sum()),
    )
