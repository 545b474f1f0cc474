"""What the other metrics say at a row: the second opinion a rule asks for before it calls something grave.

A metric need not be logged in every row, so each of these holds its last word until it speaks again. All of them carry what
they keep, frozen, like the rules that use them. What a metric's own rows say is worked out once for all rules (`Rows.once`):
the past that a rule brings was made of the same rows by the same means, so it is the same for all of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.metrics.metric import GROUPED
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.trend import DirectionPast, rolling_direction
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats, rolling_median

_GROUPED_ONLY = ("completions/clipped_ratio", "frac_reward_zero_std")
"""Metrics that no other trainer logs."""


def held(where: NDArray[np.intp], said: Floats, at: NDArray[np.intp], before: float) -> tuple[Floats, float]:
    """The last word at or before each row.

    Args:
        where: Rows in which something was said, rising.
        said: What, one for each.
        at: Rows to know it for.
        before: The last word before these rows.

    Returns:
        One word for each of `at`, and the last of all.
    """
    if not where.size:
        return np.full(at.size, before), before
    known = np.concatenate(([before], said))
    return known[np.searchsorted(where, at, side="right")], float(known[-1])


def last_known(rows: Rows, at: NDArray[np.intp], name: str, before: float) -> tuple[Floats, float]:
    """The metric's latest finite value at each row of `at`; NaN while there is none."""
    where, values = finite_rows(rows, name)
    return held(where, values, at, before)


@dataclass(frozen=True, slots=True)
class SmoothPast:
    """What `smoothed` keeps."""

    values: Floats = field(default_factory=lambda: NOTHING_YET)
    latest: float = math.nan


def smoothed(rows: Rows, at: NDArray[np.intp], name: str, size: int, past: SmoothPast) -> tuple[Floats, SmoothPast]:
    """The metric's median over its last `size` logs at each row of `at`; NaN until it was logged so often."""
    where, values = finite_rows(rows, name)
    medians, kept = rows.once(("median", name, size), lambda: rolling_median(values, past.values, size, size))
    said, latest = held(where, medians, at, past.latest)
    return said, SmoothPast(kept, latest)


@dataclass(frozen=True, slots=True)
class RewardPast:
    """What `reward_direction` keeps."""

    direction: DirectionPast = field(default_factory=DirectionPast)
    latest: float = math.nan


def reward_direction(rows: Rows, at: NDArray[np.intp], past: RewardPast) -> tuple[Floats, RewardPast]:
    """1 where the reward rises, -1 where it falls, 0 where it does neither, NaN while that is not known."""
    return direction_of(rows, at, "reward", past)


def direction_of(rows: Rows, at: NDArray[np.intp], name: str, past: RewardPast) -> tuple[Floats, RewardPast]:
    """1 where the metric rises, -1 where it falls, 0 where it does neither, NaN while that is not known."""
    where, values = finite_rows(rows, name)
    directions, kept = rows.once(("direction", name), lambda: rolling_direction(values, past.direction))
    said, latest = held(where, directions, at, past.latest)
    return said, RewardPast(kept, latest)


def of_grouped_trainer(rows: Rows, at: NDArray[np.intp], info: RunInfo) -> Bools:
    """Whether each row is a grouped trainer's: told by the run, and where it does not tell, by the metrics of the row."""
    if info.algorithm is not None:
        return np.full(at.size, info.algorithm in GROUPED)
    telling = np.zeros(at.size, np.bool_)
    for name in _GROUPED_ONLY:
        telling |= rows.column(name).present[at]
    return telling
