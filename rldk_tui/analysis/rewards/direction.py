"""Which way the mean reward goes: Mann and Kendall's test, corrected for autocorrelation (`statistics.trend`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rldk_tui.statistics.trend import MATERIAL, believed, trends
from rldk_tui.statistics.windows import Floats

FEWEST_STEPS = 10
BLOCKS = 64
"""Means that a trend is looked for in; longer histories are averaged to as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Of the last steps' means; None with too few of them.

    Attributes:
        direction: 1, -1, or 0 where neither is significant and material.
        slope: Theil and Sen's, in the reward's unit a step.
        z: Mann and Kendall's statistic, corrected for autocorrelation.
        moved: How far the slope moves the mean over all these steps.
        material: How far it must, to count.
        steps: How many steps were looked at.
    """

    direction: int | None = None
    slope: float | None = None
    z: float | None = None
    moved: float | None = None
    material: float | None = None
    steps: int


def trend(means: Floats) -> Trend:
    """The trend of the step means.

    Args:
        means: shape (k,), finite.
    """
    steps = means.size
    if steps < FEWEST_STEPS:
        return Trend(steps=steps)
    each = -(-steps // BLOCKS)
    blocks = means[steps % each :].reshape(-1, each).mean(axis=1)
    found = trends(blocks[None, :])
    slope = float(found.slope[0])
    return Trend(
        direction=int(np.sign(slope)) if believed(found, blocks.size)[0] else 0,
        slope=slope / each,
        z=float(found.z[0]),
        moved=slope * blocks.size,
        material=MATERIAL * float(found.deviation[0]),
        steps=steps,
    )
