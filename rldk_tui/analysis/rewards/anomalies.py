"""Single rewards and batches that stand off from everything before them.

An outlier lies beyond 6 robust spreads (MAD) from the median of the window before its step, and three times as far as
anything in that window: the first keeps noise out, the second a reward that is heavy-tailed by nature. A batch stands off if
its mean lies beyond 6 robust spreads of the step means before it, and three times as far as any of those.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from rldk_tui.analysis.rewards.given import Given
from rldk_tui.analysis.rewards.variance import is_discrete
from rldk_tui.analysis.rewards.window import RewardWindow
from rldk_tui.charts.format import number
from rldk_tui.statistics.spread import middle_and_spread
from rldk_tui.statistics.windows import Floats

SPREADS = 6.0
FARTHER = 3.0
FEWEST_REWARDS = 100
FEWEST_STEPS = 20
_NAMED = 4
_SMALLEST = 1e-9
_RELATIVE = 0.02


class AnomalyKind(StrEnum):
    """What stands off."""

    NOT_FINITE = "not finite"
    UNSCORED = "unscored"
    OUTLIER = "outlier"
    BATCH = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """One kind of trouble in the newest call.

    Attributes:
        kind: Which.
        message: One sentence with numbers.
        count: How many rewards are concerned.
        value: The farthest reward, or the batch's mean; None for those that are no number.
        spreads: Its distance in robust spreads; None for those.
        rows: Where they lie, as `step/row`, the farthest first.
    """

    kind: AnomalyKind
    message: str
    count: int
    value: float | None = None
    spreads: float | None = None
    rows: tuple[str, ...] = ()


def anomalies(batch: Given, before: RewardWindow, after: RewardWindow, step: int) -> tuple[Anomaly, ...]:
    """What stands off in the newest call.

    Args:
        batch: Its rewards.
        before: What was known when its step began.
        after: The window with it.
        step: Its step.
    """
    found = (*_no_numbers(batch, step), _outliers(batch, before, step), _batch(before, after))
    return tuple(anomaly for anomaly in found if anomaly is not None)


def _no_numbers(batch: Given, step: int) -> tuple[Anomaly | None, ...]:
    kinds = ((AnomalyKind.NOT_FINITE, np.isinf(batch.rewards), "are infinite"),)
    unscored = (AnomalyKind.UNSCORED, np.isnan(batch.rewards), "are NaN or None")
    return tuple(
        _counted(kind, np.flatnonzero(flags), words, batch.rewards.size, step) for kind, flags, words in (*kinds, unscored)
    )


def _counted(kind: AnomalyKind, at: NDArray[np.intp], words: str, size: int, step: int) -> Anomaly | None:
    if not at.size:
        return None
    rows = tuple(f"{step}/{index}" for index in at[:_NAMED])
    return Anomaly(kind=kind, message=f"{at.size} of {size} rewards {words}.", count=int(at.size), rows=rows)


def _distances(values: Floats, past: Floats) -> tuple[Floats, float]:
    """How far values lie from the middle of the past, in its spreads, and beyond what they stand off."""
    middle, spread = middle_and_spread(past[None, :], _SMALLEST, _RELATIVE)
    own = float(np.abs(past - middle[0]).max() / spread[0])
    return (values - middle[0]) / spread[0], max(SPREADS, FARTHER * own)


def _outliers(batch: Given, before: RewardWindow, step: int) -> Anomaly | None:
    past = before.rewards
    if past.size < FEWEST_REWARDS or is_discrete(np.unique(past).size, past.size):
        return None  # of pass or fail success is rare by nature
    z, limit = _distances(batch.rewards, past)
    far = np.flatnonzero(batch.known & (np.abs(z) > limit))
    if not far.size:
        return None
    far = far[np.argsort(-np.abs(z[far]), kind="stable")]
    value, spreads = float(batch.rewards[far[0]]), float(z[far[0]])
    return Anomaly(
        kind=AnomalyKind.OUTLIER,
        message=f"{far.size} of {batch.rewards.size} rewards lie far outside the {past.size} before; "
        f"the farthest, {number(value)}, by {number(abs(spreads))} robust spreads (limit {number(limit)}).",
        count=int(far.size),
        value=value,
        spreads=spreads,
        rows=tuple(f"{step}/{index}" for index in far[:_NAMED]),
    )


def _batch(before: RewardWindow, after: RewardWindow) -> Anomaly | None:
    if before.means.size < FEWEST_STEPS or not after.means.size or after.at[-1] == before.at[-1]:
        return None
    z, limit = _distances(after.means[-1:], before.means)
    if abs(z[0]) <= limit:
        return None
    return Anomaly(
        kind=AnomalyKind.BATCH,
        message=f"The mean reward of this step, {number(float(after.means[-1]))}, lies {number(abs(float(z[0])))} robust "
        f"spreads from those of the {before.means.size} steps before (limit {number(limit)}).",
        count=1,
        value=float(after.means[-1]),
        spreads=float(z[0]),
    )
