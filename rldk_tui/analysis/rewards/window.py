"""The newest rewards, the first ones, and the steps they came in: what everything here looks at. Its size is bounded."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.analysis.rewards.given import Given
from rldk_tui.statistics.windows import NOTHING_YET, Floats

STEPS = 256
"""Steps of which mean and spread are kept."""
_NO_MARKS: NDArray[np.int64] = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardWindow:
    """What is remembered of the rewards so far; finite ones alone.

    Attributes:
        size: Rewards that are held at most.
        seen: Rewards in all.
        rewards, other, prompts, steps: Of the newest, shape (≤ size,), oldest first; `other` is NaN where not told.
        first: The first `size` rewards of all, which later ones are compared with.
        at, means, spreads: Of the last `STEPS` steps, shape (k,), the newest one included.
    """

    size: int = 1000
    seen: int = 0
    rewards: Floats = field(default_factory=lambda: NOTHING_YET)
    other: Floats = field(default_factory=lambda: NOTHING_YET)
    prompts: NDArray[np.int64] = field(default_factory=lambda: _NO_MARKS)
    steps: NDArray[np.int64] = field(default_factory=lambda: _NO_MARKS)
    first: Floats = field(default_factory=lambda: NOTHING_YET)
    at: NDArray[np.int64] = field(default_factory=lambda: _NO_MARKS)
    means: Floats = field(default_factory=lambda: NOTHING_YET)
    spreads: Floats = field(default_factory=lambda: NOTHING_YET)

    def with_batch(self, batch: Given, step: int) -> RewardWindow:
        """The window after these.

        A step may come in several pieces. One that lies before the newest is a training that was resumed: what was remembered
        of that step and later ones is forgotten, but for the first rewards of all.
        """
        known = batch.known
        if not known.any():
            return self
        before = self.before(step) if self.at.size and step < self.at[-1] else self
        added = int(known.sum())

        rewards: Floats = np.concatenate((before.rewards, batch.rewards[known]))[-self.size :]
        steps: NDArray[np.int64] = np.concatenate((before.steps, np.full(added, step, np.int64)))[-self.size :]
        here = rewards[steps == step]  # of a step in several pieces, all of them: the same as if it had come whole
        fresh = not before.at.size or before.at[-1] != step
        kept = slice(-(STEPS - 1), None) if fresh else slice(-STEPS, -1)
        return RewardWindow(
            size=self.size,
            seen=before.seen + added,
            rewards=rewards,
            other=np.concatenate((before.other, batch.other[known]))[-self.size :],
            prompts=np.concatenate((before.prompts, batch.prompts[known]))[-self.size :],
            steps=steps,
            first=np.concatenate((before.first, batch.rewards[known]))[: self.size],
            at=np.append(before.at[kept], step),
            means=np.append(before.means[kept], here.mean()),
            spreads=np.append(before.spreads[kept], here.std()),
        )

    def before(self, step: int) -> RewardWindow:
        """What was known when this step began."""
        kept, earlier = self.steps < step, self.at < step
        return RewardWindow(
            size=self.size,
            seen=self.seen,
            rewards=self.rewards[kept],
            other=self.other[kept],
            prompts=self.prompts[kept],
            steps=self.steps[kept],
            first=self.first,
            at=self.at[earlier],
            means=self.means[earlier],
            spreads=self.spreads[earlier],
        )
