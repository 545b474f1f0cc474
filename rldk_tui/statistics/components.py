"""How much of what varies lies between groups, and how much within them.

One-way random effects: the mean squares between and within groups give the two variances, also where groups are of different
size (Searle, Casella and McCulloch, "Variance Components", 1992). The share between groups is the intraclass correlation,
ICC(1) of Shrout and Fleiss (Psychological Bulletin 86, 1979).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rldk_tui.statistics.windows import Floats


@dataclass(frozen=True, slots=True)
class Components:
    """Of all groups with two members or more.

    Attributes:
        between, within: The two variances; NaN with fewer than two such groups.
        share: Between ÷ both; NaN where nothing varies at all.
        groups: How many there are.
    """

    between: float
    within: float
    share: float
    groups: int


def components(values: Floats, groups: NDArray[np.int64]) -> Components:
    """The variance between and within groups.

    Args:
        values: shape (n,), finite.
        groups: shape (n,), the group of each; any whole numbers, in any order.
    """
    _, group = np.unique(groups, return_inverse=True)
    size = np.bincount(group) if group.size else np.zeros(0, np.int64)
    known = size[group] > 1 if group.size else np.zeros(0, np.bool_)
    if not known.any():
        return Components(math.nan, math.nan, math.nan, 0)
    values, (_, group) = values[known], np.unique(group[known], return_inverse=True)
    size = np.bincount(group).astype(np.float64)
    flat = _flat(values, group, size)
    if size.size < 2:
        return Components(math.nan, math.nan, math.nan, size.size)
    unit = float(np.abs(values - values.mean()).max())
    if unit == 0.0:
        return Components(0.0, 0.0, math.nan, size.size)
    about = (values - values.mean()) / unit
    means = np.bincount(group, about) / size
    left = np.where(flat[group], 0.0, about - means[group])
    total, number = float(size.sum()), size.size
    within = float(np.square(left).sum()) / (total - number)
    between_squares = float((size * np.square(means - about.mean())).sum()) / (number - 1)
    usual = (total - float(np.square(size).sum()) / total) / (number - 1)
    between = max(0.0, (between_squares - within) / usual)
    both = between + within
    share = between / both if both > 0 else math.nan
    return Components(between * unit * unit, within * unit * unit, share, number)


def tied(values: Floats, groups: NDArray[np.int64]) -> tuple[int, float]:
    """How many groups have two members or more, and the share of these whose members are all one number; NaN without any.

    Args:
        values: shape (n,), finite.
        groups: shape (n,), the group of each; any whole numbers, in any order.
    """
    _, group, size = np.unique(groups, return_inverse=True, return_counts=True)
    several = size > 1
    return int(several.sum()), float(np.mean(_flat(values, group, size)[several])) if several.any() else math.nan


def _flat(values: Floats, group: NDArray[np.intp], size: NDArray[Any]) -> NDArray[np.bool_]:
    """Of which groups, numbered from 0, all members are one number."""
    if not values.size:
        return np.zeros(0, np.bool_)
    ordered = values[np.argsort(group, kind="stable")]
    starts = np.concatenate(([0], np.cumsum(size)[:-1])).astype(np.intp)
    flat: NDArray[np.bool_] = np.maximum.reduceat(ordered, starts) == np.minimum.reduceat(ordered, starts)
    return flat
