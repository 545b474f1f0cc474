"""A metric that steps to another level from one log to the next, as nothing does that is learned.

Learning and drift move a metric over many logs. A step is told from them by its edges: the last few logs lie far from the level
before, all of them about as far, and the logs right before them did not. That is what a change of the reward function, of the
data or of a setting looks like.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rldk_tui.statistics.spread import middle_and_spread
from rldk_tui.statistics.windows import Floats, median

_NEAR = 3
_ORDINARY = 0.2
_EVEN = 0.8
_LOOSE = 0.2
"""Of the way to the new level: the logs before a step lie below the first share of it and all logs after beyond the second. No
straight ramp, however steep, does both. The noise of either level is allowed for, up to the third share: it may have grown
with the level, as it does when a reward is multiplied."""


@dataclass(frozen=True, slots=True)
class Step:
    """What counts as one.

    Attributes:
        before: Logs that tell the level before, `at_least` of them known.
        after: Logs at the new level until it is believed.
        spreads: How far the median after must lie from the median before.
        floor: The least spread, in the metric's unit; and `relative` as a share of the level before.
    """

    spreads: float
    before: int = 48
    after: int = 5
    at_least: int = 20
    floor: float = 1e-6
    relative: float = 0.02

    @property
    def kept(self) -> int:
        """Values the past must hold."""
        return self.before + self.after - 1


@dataclass(frozen=True, slots=True)
class Steps:
    """The rows at which a step is first believed, in most cases one or two for each step.

    Attributes:
        at: Their indices, shape (k,).
        before: The level before, shape (k,).
        after: The level after, shape (k,).
        spread: How the metric scattered before, shape (k,).
    """

    at: NDArray[np.intp]
    before: Floats
    after: Floats
    spread: Floats


NONE = Steps(np.empty(0, np.intp), np.empty(0), np.empty(0), np.empty(0))


def continued(values: Floats, past: Floats, step: Step) -> tuple[Floats, Floats]:
    """The series with what is kept of it in front, filled up with NaN to `step.kept` values, and the new past."""
    known = np.concatenate((past, values))
    missing = step.kept - past.size
    series = np.concatenate((np.full(missing, np.nan), known)) if missing else known
    return series, known[max(0, known.size - step.kept) :].copy()


def stretches(series: Floats, step: Step) -> Floats:
    """The logs before and after, of each new value: shape (n, before + after)."""
    size = step.before + step.after
    if series.size < size:  # no new value
        return np.empty((0, size))
    if series.size == size:  # a row at a time is how a live run comes
        return series[None, :]
    return np.lib.stride_tricks.sliding_window_view(series, size)


def steps(series: Floats, step: Step) -> Steps:
    """Where the series, as `continued` gives it, steps to another level.

    Most rows are dismissed by the edge alone, which costs a few comparisons; the level before is worked out for the rest.

    Args:
        series: shape (step.kept + n,), NaN where a value is not known.
        step: see there.

    Returns:
        The steps, their indices counted from the first new value.
    """
    view = stretches(series, step)
    block, near = view[:, step.before :], view[:, step.before - _NEAR : step.before]
    edge = np.sort(near, axis=1)[:, _NEAR // 2]
    low, high = block.min(axis=1), block.max(axis=1)
    at = np.flatnonzero((low > edge) | (high < edge))
    if not at.size:
        return NONE
    at = at[np.count_nonzero(~np.isnan(view[at, : step.before]), axis=1) >= step.at_least]
    before, spread = middle_and_spread(view[at, : step.before], step.floor, step.relative)
    after = median(block[at])
    distance = after - before
    least = np.where(distance > 0, low[at] - before, before - high[at])
    loose = np.minimum(
        spread * np.maximum(1.0, np.abs(after) / np.maximum(np.abs(before), step.floor)), _LOOSE * np.abs(distance)
    )
    real = (
        (np.abs(distance) > step.spreads * spread)
        & (least >= _EVEN * np.abs(distance) - loose)
        & (np.abs(edge[at] - before) <= _ORDINARY * np.abs(distance) + np.minimum(spread / 2, loose))
    )
    return Steps(at[real], before[real], after[real], spread[real])


def moved(series: Floats, at: NDArray[np.intp], step: Step) -> Floats:
    """How far another metric moved with a step, in its own spreads: over the step's first logs, in which a cause must show.

    Args:
        series: As `continued` gives it, for the same rows.
        at: Where the steps are.
        step: see there.

    Returns:
        Shape (k,); NaN where too little is known of the metric.
    """
    result = np.full(at.size, np.nan)
    view = stretches(series, step)[at]
    before, first = view[:, : step.before], view[:, step.before : step.before + _NEAR]
    known = (np.count_nonzero(~np.isnan(before), axis=1) >= step.at_least) & ~np.isnan(first).any(axis=1)
    middle, spread = middle_and_spread(before[known], step.floor, step.relative)
    result[known] = np.abs(median(first[known]) - middle) / spread
    return result
