"""Values far outside what a metric did in the logs before: one of them, or several close together.

One is a bad batch; several are trouble. The distance is the robust z of the catalogue, on a scale on which the metric's noise
does not depend on its level, and a value must matter by itself besides, since noise has tails heavier than any threshold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis import cadence
from rldk_tui.run import RunInfo
from rldk_tui.statistics.robust import Baseline, robust_z
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats, m_of_n


@dataclass(frozen=True, slots=True)
class SpikeLimits:
    """When a value is one, and when they are several.

    Attributes:
        k: Distance from the median of the logs before, in robust deviations.
        size: Logs that tell what is usual, `at_least` of them known.
        floor: The least deviation, on the scale the metric is judged on.
        m: Spikes among the last `n` logs that are several.
    """

    k: float
    floor: float
    m: int = 2
    n: int = 5
    size: int = 64
    at_least: int = 20


@dataclass(frozen=True, slots=True)
class SpikePast:
    """What `spikes` keeps; `seen` counts the logs."""

    seen: int = 0
    values: Floats = field(default_factory=lambda: NOTHING_YET)
    flags: Floats = field(default_factory=lambda: NOTHING_YET)


@dataclass(frozen=True, slots=True)
class Spikes:
    """Of each value, shape (n,).

    Attributes:
        far: Whether it is a spike.
        several: Whether enough of the last logs are.
        usual: The median it was compared with, on the scale it was judged on; NaN where nobody asked.
    """

    far: Bools
    several: Bools
    usual: Floats


def spikes(
    scaled: Floats,
    asked: Bools,
    past: SpikePast,
    limits: SpikeLimits,
    info: RunInfo,
    least: Callable[[Floats], Floats] = np.copy,
) -> tuple[Spikes, SpikePast]:
    """Which values are spikes.

    Args:
        scaled: shape (n,), the metric on the scale it is judged on.
        asked: shape (n,), values that could matter at all, and at which the rule may speak; the others cost nothing.
        past: `SpikePast()` at first.
        limits: see there.
        info: for the cadence of the logs.
        least: What a spike must exceed to matter, on the same scale, by what is usual.
    """
    m, n = cadence.persistence(limits.m, limits.n, info)
    baseline = Baseline(
        cadence.window(limits.size, info), n, cadence.window(limits.at_least, info), floor=limits.floor, relative=0.0
    )
    found, values = robust_z(scaled, past.values, baseline, asked)
    far = (found.z > limits.k) & (scaled > least(found.middle))
    several, flags = m_of_n(far, past.flags, m, n)
    return Spikes(far, several, found.middle), SpikePast(past.seen + scaled.size, values, flags)


def counts(past: SpikePast, size: int) -> NDArray[np.intp]:
    """How many logs there were up to each new one."""
    return past.seen + 1 + np.arange(size)
