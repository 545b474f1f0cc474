"""Do two quantities go together, within groups that may differ in both?

Rewards and lengths differ from prompt to prompt, and a correlation over all of them mostly tells hard prompts from easy ones.
So the rank correlation (Spearman, American Journal of Psychology 15, 1904) is taken within each group of replies to one prompt,
and the groups are pooled by Fisher's z, whose variance for ranks is 1.06 / (n - 3) (Fieller, Hartley and Pearson,
Biometrika 44, 1957).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rldk_tui.statistics.windows import Floats

FEWEST = 4
"""Members a group must have: Fisher's z of three has no finite variance."""
ONE_SIDED_95 = 1.644854
"""Standard deviations below which 95 % of a normal distribution lie."""
_MOST = 0.99
_VARIANCE = 1.06


@dataclass(frozen=True, slots=True)
class Pooled:
    """What the groups say together; the numbers are NaN where no group can be ranked.

    Attributes:
        rho: The pooled rank correlation.
        low: The bound above which it lies with the confidence asked for, and `high` the one below.
        groups: How many could be ranked: enough members, and neither quantity the same throughout.
    """

    rho: float
    low: float
    high: float
    groups: int


NOTHING = Pooled(math.nan, math.nan, math.nan, 0)


def spearman_within(first: Floats, second: Floats, groups: NDArray[np.int64], deviations: float = ONE_SIDED_95) -> Pooled:
    """Rank correlation within groups, pooled.

    Args:
        first: shape (n,), finite.
        second: shape (n,), finite.
        groups: shape (n,), the group of each; any whole numbers, in any order.
        deviations: of the bounds; 1.645 for 95 % on one side.
    """
    rho, count = spearman_of_each(first, second, groups)
    ranked = (count >= FEWEST) & np.isfinite(rho)
    if not ranked.any():
        return NOTHING
    rho = np.clip(rho[ranked], -_MOST, _MOST)
    weight = (count[ranked] - 3).astype(np.float64)
    middle = float((weight * np.arctanh(rho)).sum() / weight.sum())
    half = deviations * math.sqrt(_VARIANCE / float(weight.sum()))
    return Pooled(math.tanh(middle), math.tanh(middle - half), math.tanh(middle + half), int(ranked.sum()))


def spearman_of_each(first: Floats, second: Floats, groups: NDArray[np.integer]) -> tuple[Floats, NDArray[np.intp]]:
    """The rank correlation of each group, and its members; NaN where either quantity is the same throughout.

    Args:
        first: shape (n,), finite.
        second: shape (n,), finite.
        groups: shape (n,), the group of each; any whole numbers, in any order. The result is in their ascending order.
    """
    _, group = np.unique(groups, return_inverse=True)
    count = np.bincount(group)
    one, other = (_centred(_ranks(values, group), group, count) for values in (first, second))
    spread = np.sqrt(np.bincount(group, one * one) * np.bincount(group, other * other))
    rho = np.full(spread.size, math.nan)
    np.divide(np.bincount(group, one * other), spread, out=rho, where=spread > 0)
    return rho, count


def _ranks(values: Floats, group: NDArray[np.intp]) -> Floats:
    """The rank of each value within its group, up to a constant of the group; ties share the mean of theirs."""
    order = np.lexsort((values, group))
    begins = np.ones(values.size, np.bool_)
    begins[1:] = (values[order][1:] != values[order][:-1]) | (group[order][1:] != group[order][:-1])
    tie = np.cumsum(begins) - 1
    mean = np.bincount(tie, np.arange(values.size)) / np.bincount(tie)
    result = np.empty(values.size)
    result[order] = mean[tie]
    return result


def _centred(ranks: Floats, group: NDArray[np.intp], count: NDArray[np.intp]) -> Floats:
    result: Floats = ranks - (np.bincount(group, ranks) / count)[group]
    return result
