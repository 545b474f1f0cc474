"""How much of the reward is the prompt's and how much the reply's: sums of squares between and within prompts.

What one step tells is too little; the sums given here add up over steps. Each is taken about its own step's means, so that a
reward that rises over the run is no variance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rldk_tui.statistics.windows import Floats

_SAME = 1e-8


def reward_variance(rewards: Floats, groups: Sequence[NDArray[np.intp]]) -> dict[str, float]:
    """The sums of a one-way analysis of variance (Shrout and Fleiss, Psychological Bulletin 86, 1979).

    Groups in which all rewards are one number count between prompts only: there the policy has settled, and a run that is
    nearly done would look as if its replies had never mattered. Of pass or fail nothing is said, for the same reason.

    Args:
        rewards: shape (n,), NaN where nothing was scored.
        groups: The rows of each prompt's replies.
    """
    known = [group[~np.isnan(rewards[group])] for group in groups]
    known = [group for group in known if group.size > 1]
    if len(known) < 2 or np.unique(rewards[np.concatenate(known)]).size <= 2:
        return {}
    sizes = np.array([group.size for group in known], np.float64)
    means = np.array([rewards[group].mean() for group in known])
    squares = np.array([float(((rewards[group] - mean) ** 2).sum()) for group, mean in zip(known, means, strict=True)])
    varied = np.array([float(np.ptp(rewards[group])) > _SAME for group in known])
    middle = float(sizes @ means / sizes.sum())
    return {
        "samples/reward_between": float(sizes @ (means - middle) ** 2),
        "samples/reward_between_freedom": float(len(known) - 1),
        "samples/reward_within": float(squares[varied].sum()),
        "samples/reward_within_freedom": float((sizes[varied] - 1.0).sum()),
        "samples/group_size": float((sizes.sum() - (sizes**2).sum() / sizes.sum()) / (len(known) - 1)),
    }
