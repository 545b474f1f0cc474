"""Whether a launch holds what its reward has gained: a reward at its height is as flat as a dead one, so no trend tells."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.beside import held
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.run import Rows
from rldk_tui.statistics.spread import TO_SIGMA
from rldk_tui.statistics.windows import NOTHING_YET, Floats, rolling_median

SIZE = 10
"""Logs a level of the reward is the median of."""
MATERIAL = 2.0
"""A gain is more than this many times the noise of the first logs."""
KEPT = 0.5
"""It is held while at least this share of it is still there."""


@dataclass(frozen=True, slots=True)
class GainPast:
    """What `gain_held` keeps.

    Attributes:
        first: The first rewards, until there are ten; `start` is then their median and `noise` their spread.
        values: Those of the median.
        best: The best median.
        latest: The last word.
    """

    first: Floats = field(default_factory=lambda: NOTHING_YET)
    start: float = math.nan
    noise: float = math.nan
    values: Floats = field(default_factory=lambda: NOTHING_YET)
    best: float = math.nan
    latest: float = math.nan


def gain_held(rows: Rows, at: NDArray[np.intp], past: GainPast) -> tuple[Floats, GainPast]:
    """1 where the reward has risen and most of the rise is still there, 0 where not, NaN until ten rewards were logged."""
    where, rewards = finite_rows(rows, "reward")
    first, start, noise = past.first, past.start, past.noise
    if first.size < SIZE:
        first = np.concatenate((first, rewards[: SIZE - first.size]))
        if first.size == SIZE:
            start = float(np.median(first))
            noise = TO_SIGMA * float(np.median(np.abs(first - start)))
    level, values = rows.once(("median", "reward", SIZE), lambda: rolling_median(rewards, past.values, SIZE, SIZE))
    best = np.fmax.accumulate(np.concatenate(([past.best], level)))
    gain = best[1:] - start
    holds = (gain > MATERIAL * noise) & (level - start >= KEPT * gain)
    said, latest = held(where, np.where(np.isnan(level), np.nan, holds), at, past.latest)
    return said, GainPast(first, start, noise, values, float(best[-1]), latest)
