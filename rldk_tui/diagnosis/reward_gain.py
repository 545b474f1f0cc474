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
FALL = 4.0
"""The reward of a resumed launch fell if it is this many times the noise below its beginning: rewards that are held wander
by more than ten logs show (at twice the noise, two of 2,447 resumptions made of healthy trainings would have fallen)."""
KEPT = 0.5
"""It is held while at least this share of it is still there."""
UNTOLD = 0.5
"""Of a resumed launch whose reward stays where it began: whether that was gained, only the launches before could tell."""


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
    """1 where the reward has risen and most of the rise is still there, 0 where not, NaN until enough rewards were logged.

    A launch that was resumed began with what the ones before it had gained: `UNTOLD` until it gains for itself
    or falls below where it began.
    """
    size = cadence.window(SIZE, info)
    where, rewards = finite_rows(rows, "reward")
    first, start, noise = past.first, past.start, past.noise
    if first.size < size:
        first = np.concatenate((first, rewards[: size - first.size]))
        if first.size == size:
            start = float(np.median(first if info.first_step > 0 else first[:START]))
            noise = float(noise_about_trend(first[None, :])[0])
    level, values = rows.once(("median", "reward", size), lambda: rolling_median(rewards, past.values, size, size))
    best = np.fmax.accumulate(np.concatenate(([past.best], level)))
    gain = best[1:] - start
    gained = gain > MATERIAL * noise
    holds = (gained & (level - start >= KEPT * gain)).astype(np.float64)
    unknown = np.isnan(level)
    holds[unknown] = np.nan
    if info.first_step > 0:
        fell = start - level > FALL * noise
        holds[(holds != 1.0) & ~fell] = UNTOLD
    said, latest = held(where, holds, at, past.latest)
    return said, GainPast(first, start, noise, values, float(best[-1]), latest)
