"""Takes rewards in, batch by batch, and judges all of them whenever it is asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rldk_tui.analysis.rewards.advice import recommendations
from rldk_tui.analysis.rewards.anomalies import Anomaly, anomalies
from rldk_tui.analysis.rewards.consistency import Consistency, ConsistencyWatch
from rldk_tui.analysis.rewards.direction import Trend, trend
from rldk_tui.analysis.rewards.given import Given
from rldk_tui.analysis.rewards.patterns import Pattern, pattern
from rldk_tui.analysis.rewards.stability import Stability, stability
from rldk_tui.analysis.rewards.variance import Variance, variance
from rldk_tui.analysis.rewards.window import RewardWindow
from rldk_tui.events import Advice


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardReliability:
    """What the rewards so far say of the reward; every part of it says so where there was too little to judge by.

    Attributes:
        step: Of the newest rewards.
        seen: Finite rewards in all, `window` how many of them were looked at.
        stability: Drift of the distribution.
        consistency: Whether like is scored alike.
        variance: Where the rewards differ.
        trend: Which way their mean goes.
        pattern: What they have been doing, with evidence.
        anomalies: What stands off in the newest call.
        outside_range: The share of the newest rewards outside `reward_range`; None without one.
        recommendations: What to change.
    """

    step: int
    seen: int
    window: int
    stability: Stability
    consistency: Consistency
    variance: Variance
    trend: Trend
    pattern: Pattern
    anomalies: tuple[Anomaly, ...]
    outside_range: float | None
    recommendations: tuple[Advice, ...]


class RewardWatch:
    """What is known of the rewards of one training. To take a batch in is cheap, to judge takes some milliseconds."""

    def __init__(self, *, window: int = 1000, reward_range: tuple[float, float] | None = None) -> None:
        """See `RewardModelIntegrator`."""
        self._range = reward_range
        self._window = RewardWindow(size=window)
        self._alike = ConsistencyWatch(compared=window)
        self._outside: float | None = None
        self._step = 0

    @property
    def seen(self) -> int:
        """Finite rewards so far."""
        return self._window.seen

    @property
    def first_step(self) -> int:
        """Of the rewards that are looked at, the step of the oldest; the newest step without any."""
        return int(self._window.steps[0]) if self._window.steps.size else self._step

    def take(self, batch: Given, step: int) -> tuple[Anomaly, ...]:
        """Take in the newest rewards; returns what stands off in them."""
        # what stands off must not stand beside itself, nor beside the rest of its own step
        before = self._window.before(step)
        self._window = self._window.with_batch(batch, step)
        self._step = step
        self._alike.take(batch, step)
        rewards = batch.rewards[batch.known]
        if self._range is not None and rewards.size:
            low, high = self._range
            self._outside = float(np.mean((rewards < low) | (rewards > high)))
        return anomalies(batch, before, self._window, step)

    def forget(self, step: int) -> None:
        """Take back the rewards of this step and later ones: they are told anew."""
        self._window = self._window.before(step)

    def judged(self, strange: tuple[Anomaly, ...]) -> RewardReliability:
        """What everything so far tells.

        Args:
            strange: What stood off, as far as it is to be told and advised on.
        """
        window = self._window
        parts = (stability(window), self._alike.told(window), variance(window))
        way = trend(window.means)
        shape = pattern(window, way, parts[2].at_highest)
        return RewardReliability(
            step=self._step,
            seen=window.seen,
            window=int(window.rewards.size),
            stability=parts[0],
            consistency=parts[1],
            variance=parts[2],
            trend=way,
            pattern=shape,
            anomalies=strange,
            outside_range=self._outside,
            recommendations=recommendations(*parts, shape, strange),
        )
