"""Whether a launch holds what its reward has gained: a reward at its height is as flat as a dead one, so no trend tells."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.beside import held
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.spread import noise_about_trend
from rldk_tui.statistics.windows import NOTHING_YET, Floats, rolling_median

SIZE = 10
"""Logs a level of the reward is the median of, and whose scatter about their own trend is the noise."""
START = 3
"""First logs whose median the reward starts from: a reward may climb most of its way within ten."""
MATERIAL = 2.0
"""A gain is more than this many times the noise of the first logs."""
KEPT = 0.5
"""It is held while at least this share of it is still there."""


@dataclass(frozen=True, slots=True)
class GainPast:
    """What `gain_held` keeps.

    Attributes:
        first: The first rewards, until there are enough; `start` and `noise` are then known.
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


def gain_held(rows: Rows, at: NDArray[np.intp], past: GainPast, info: RunInfo) -> tuple[Floats, GainPast]:
    """1 where the reward has risen and most of the rise is still there, 0 where not, NaN until enough rewards were logged."""
    size = cadence.window(SIZE, info)
    where, rewards = finite_rows(rows, "reward")
    first, start, noise = past.first, past.start, past.noise
    if first.size < size:
        first = np.concatenate((first, rewards[: size - first.size]))
        if first.size == size:
            start = float(np.median(first[:START]))
            noise = float(noise_about_trend(first[None, :])[0])
    level, values = rows.once(("median", "reward", size), lambda: rolling_median(rewards, past.values, size, size))
    best = np.fmax.accumulate(np.concatenate(([past.best], level)))
    gain = best[1:] - start
    holds = (gain > MATERIAL * noise) & (level - start >= KEPT * gain)
    said, latest = held(where, np.where(np.isnan(level), np.nan, holds), at, past.latest)
    return said, GainPast(first, start, noise, values, float(best[-1]), latest)
