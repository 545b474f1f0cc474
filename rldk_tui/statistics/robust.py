"""How far a value stands off from the run's own recent past, told so that wild values in that past do not matter.

The robust z of the catalogue, RZ(k, W): (value - median) / spread over `size` earlier values, with the spread as Rousseeuw
and Croux take it from the median absolute deviation, and never below a floor, since the deviation of rounded or constant
series is exactly 0. The window ends `gap` values before the value it judges: a rule that wants m of n values beyond the limit
sets `gap` to n, so that an episode does not widen the spread it is measured with.

The values come transformed by the caller, so that their noise is about the same at every level: `logarithm` for norms, losses,
lengths and times, `signed_log1p` for KL, `logit` for shares, as they are for rewards. On 1,000,000 values with a window of 64
it takes 0.8 s on one core in plain numpy, in blocks that stay in the cache, so no compiled helper is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rldk_tui.statistics.spread import RELATIVE_FLOOR, middle_and_spread
from rldk_tui.statistics.windows import Bools, Floats, rows_in_cache

SMALLEST = 1e-12
"""Positive metrics below it are taken as it: a norm or a loss of exactly 0 has no logarithm."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a value is compared with.

    Attributes:
        size: Values in the window.
        gap: How many values before the one judged the window ends; 1 leaves out that value alone.
        at_least: Values the window must hold before anything is said.
        floor: The least spread that means anything, in the transformed unit; above 0.
        relative: The least spread as a share of the median. 0 after a logarithm, where `floor` itself is relative.
    """

    size: int = 64
    gap: int = 1
    at_least: int = 20
    floor: float = 1e-6
    relative: float = RELATIVE_FLOOR


@dataclass(frozen=True, slots=True)
class Deviations:
    """Of each value, shape (n,); NaN where the baseline does not hold enough or was not asked for.

    Attributes:
        z: Distance from the median, in spreads.
        middle: The median of the baseline, in the transformed unit.
        spread: Its spread, floors included.
    """

    z: Floats
    middle: Floats
    spread: Floats


def robust_z(values: Floats, past: Floats, baseline: Baseline, where: Bools | None = None) -> tuple[Deviations, Floats]:
    """The robust z of each new value against the window before it.

    Args:
        values: shape (n,), finite, transformed.
        past: shape (<= size + gap - 1,), what the last call returned, `NOTHING_YET` at first.
        baseline: the window and its floors.
        where: shape (n,), the values to judge; all of them if None. What is left out costs nothing but still counts as
            past.

    Returns:
        The deviations, and the new past.
    """
    size, gap = baseline.size, baseline.gap
    known = np.concatenate((past, values))
    kept = known[max(0, known.size - (size + gap - 1)) :].copy()
    ends = past.size + 1 - gap + np.arange(values.size)  # how many known values lie at or before the window's end
    asked = ends >= baseline.at_least
    if where is not None:
        asked &= where
    at = np.flatnonzero(asked)
    middle = np.full(values.size, np.nan)
    if not at.size:
        return Deviations(middle, middle, middle), kept
    spread = middle.copy()
    view = np.lib.stride_tricks.sliding_window_view(np.concatenate((np.full(size, np.nan), known)), size)
    step = rows_in_cache(size)
    for low in range(0, at.size, step):
        block = at[low : low + step]
        middle[block], spread[block] = middle_and_spread(view[ends[block]], baseline.floor, baseline.relative)
    return Deviations((values - middle) / spread, middle, spread), kept


def logarithm(values: Floats) -> Floats:
    """Natural logarithm of a positive metric, shape kept; what is below `SMALLEST` counts as that."""
    result: Floats = np.log(np.maximum(values, SMALLEST))
    return result


def signed_log1p(values: Floats) -> Floats:
    """sign(v) log(1 + |v|): linear about 0, logarithmic far from it, for estimates that may fall below 0. Shape kept."""
    result: Floats = np.sign(values) * np.log1p(np.abs(values))
    return result


def logit(shares: Floats, count: float) -> Floats:
    """Log odds of shares of `count` cases, with half a case added on either side (Haldane and Anscombe, 1956). Shape kept."""
    half = 0.5 / count
    inside = np.clip(shares, 0.0, 1.0)
    result: Floats = np.log((inside + half) / (1.0 - inside + half))
    return result
