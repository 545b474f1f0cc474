"""How the rewards and advantages of one batch are spread."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from rldk_tui.statistics.spread import TO_SIGMA
from rldk_tui.statistics.trend import LARGEST
from rldk_tui.statistics.windows import Floats

RELATIVE = 0.1
"""The least robust spread, of the median: rewards that nearly all stand at their maximum are no distribution with outliers."""
NEAR_TIE = 0.01
"""A group whose spread is below this share of the batch's is a tie but for noise (Catalogue)."""
TOP = 0.01
_FEWEST = 8
_SAME = 1e-8


def numbers(values: Iterable[float | None]) -> Floats:
    """As an array, NaN for None; infinite and huge values cut to what sums and squares can bear."""
    given = np.array([math.nan if value is None else value for value in values], np.float64)
    return np.clip(given, -LARGEST, LARGEST)


def reward_shape(rewards: Floats) -> dict[str, float]:
    """Mean and spread, and how far the farthest lies from the middle.

    Args:
        rewards: shape (n,), NaN where nothing was scored.
    """
    known = rewards[~np.isnan(rewards)]
    if not known.size:
        return {}
    middle = float(np.median(known))
    far = np.abs(known - middle)
    shape = {
        "samples/reward_mean": float(known.mean()),
        "samples/reward_std": _std(known),
        "samples/reward_farthest": float(far.max()),
    }
    spread = max(TO_SIGMA * float(np.median(far)), RELATIVE * abs(middle))
    if known.size >= _FEWEST and np.unique(known).size > 2 and spread > _SAME:
        shape["samples/reward_extreme"] = float(far.max()) / spread
    return shape


def advantage_shape(advantages: Floats, rewards: Floats, groups: list[NDArray[np.intp]]) -> dict[str, float]:
    """Mean and spread of the advantages, and how much of them the largest few make up.

    Args:
        advantages: shape (n,), NaN where there is none.
        rewards: shape (n,); of pass or fail nothing is said about the largest few, for there success is rare by nature.
        groups: The rows of each prompt's replies. Where all advantages of a group are 0 nothing was to be compared, and it
            does not count.
    """
    tied = np.isnan(advantages)
    if groups:
        whole = np.concatenate(groups)
        number = np.repeat(np.arange(len(groups)), [group.size for group in groups])
        tied[whole] |= (np.bincount(number, np.abs(advantages[whole]) > _SAME) == 0)[number]
    known = advantages[~tied]
    if not known.size:
        return {}
    shape = {"samples/advantage_mean": float(known.mean()), "samples/advantage_std": _std(known)}
    size = np.sort(np.abs(known))
    graded = np.unique(rewards[~np.isnan(rewards)]).size > 2
    if known.size >= _FEWEST and graded and size.sum() > _SAME:
        shape["samples/advantage_top_share"] = float(size[-max(1, int(TOP * size.size)) :].sum() / size.sum())
    return shape


def near_ties(groups: list[Floats]) -> float | None:
    """The share of groups whose rewards differ by next to nothing; None where all rewards of the batch are one number.

    Args:
        groups: The rewards of each, NaN where nothing was scored.
    """
    known = [group[~np.isnan(group)] for group in groups]
    known = [group for group in known if group.size > 1]
    if not known:
        return None
    together = np.concatenate(known)
    batch = _common_spread(together)
    if not batch > _SAME:
        return None
    spreads = _std_of_each(together, np.array([group.size for group in known]))
    return float(np.mean((spreads > 0) & (spreads < NEAR_TIE * batch)))


def _common_spread(values: Floats) -> float:
    """The standard deviation, or what it would be without the far ones: a few outliers make no tie of everything else."""
    robust = TO_SIGMA * float(np.median(np.abs(values - np.median(values))))
    return min(_std(values), robust) if robust > 0 else _std(values)


def _std(values: Floats) -> float:
    """The standard deviation; exactly 0 where all values are one, whatever rounding makes of their mean."""
    return 0.0 if values.max() == values.min() else float(values.std())


def _std_of_each(values: Floats, sizes: NDArray[np.intp]) -> Floats:
    """The standard deviation of each stretch of values; exactly 0 where all its values are one."""
    begins = np.cumsum(sizes) - sizes
    about = values - np.repeat(np.add.reduceat(values, begins) / sizes, sizes)
    spread = np.sqrt(np.add.reduceat(about * about, begins) / sizes)
    return np.where(np.maximum.reduceat(values, begins) == np.minimum.reduceat(values, begins), 0.0, spread)
