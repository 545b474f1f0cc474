"""Does the same reply get the same reward? And do two ways of scoring rank the replies to a prompt alike?

A reward model in half precision scores the same text a little differently in another batch, for padding changes how numbers are
rounded; differences up to 1 % of the rewards' spread are therefore the same reward. Replies that differ in case, white space
and punctuation only are near duplicates, and may differ by a quarter of the spread.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from dataclasses import dataclass

import numpy as np

from rldk_tui.analysis.rewards.given import UNKNOWN, Given
from rldk_tui.analysis.rewards.window import RewardWindow
from rldk_tui.statistics.rank import NOTHING, Pooled, spearman_within

REMEMBERED = 16_384
"""Replies whose reward is remembered, the newest ones."""
SAME, NEARLY = 0.01, 0.25
"""Shares of the rewards' spread by which two may differ."""
_NAMED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """Replies that came again.

    Attributes:
        compared: Of the newest repeats, how many were compared.
        differing: The share of them whose reward is another; None without any.
        largest: The largest difference, in the reward's own unit; None without any.
        rows: Where those of the newest call lie that differ, as `step/row`, the largest difference first.
    """

    compared: int
    differing: float | None
    largest: float | None
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistency:
    """Whether like is scored alike.

    Attributes:
        measured: Whether prompts and completions were told.
        same: Of the same prompt and reply.
        near: Of the same prompt and nearly the same reply.
        agreement: Rank correlation with the other rewards within prompts, pooled; NaN where there are none.
    """

    measured: bool
    same: Repeats
    near: Repeats
    agreement: Pooled


class Memory:
    """The reward of each of the newest replies, and how far those that came again were off."""

    def __init__(self, compared: int) -> None:
        self._rewards: OrderedDict[int, float] = OrderedDict()
        self._off: deque[float] = deque(maxlen=compared)
        self._newest: list[float] = []

    def meet(self, marks: list[int], rewards: list[float]) -> None:
        """Compare each with the last time it came."""
        found = self._newest = []
        for mark, reward in zip(marks, rewards, strict=True):
            if mark == UNKNOWN or not math.isfinite(reward):
                found.append(math.nan)
                continue
            before = self._rewards.pop(mark, None)
            self._rewards[mark] = reward
            if len(self._rewards) > REMEMBERED:
                self._rewards.popitem(last=False)
            found.append(math.nan if before is None else abs(reward - before))
            if before is not None:
                self._off.append(found[-1])

    def repeats(self, allowed: float, step: int) -> Repeats:
        """What came again, and how much of it differs by more than allowed."""
        if not self._off:
            return Repeats(compared=0, differing=None, largest=None)
        off = np.array(self._off)
        worst = sorted((-value, index) for index, value in enumerate(self._newest) if value > allowed)[:_NAMED]
        return Repeats(
            compared=off.size,
            differing=float(np.mean(off > allowed)),
            largest=float(off.max()),
            rows=tuple(f"{step}/{index}" for _, index in worst),
        )


class ConsistencyWatch:
    """Follows the replies of a run; bounded by `REMEMBERED`."""

    def __init__(self, compared: int) -> None:
        self._same, self._near = Memory(compared), Memory(compared)
        self._measured = False
        self._step = 0

    def take(self, batch: Given, step: int) -> None:
        """Take in the newest rewards."""
        rewards = batch.rewards.tolist()
        self._measured |= bool((batch.replies != UNKNOWN).any())
        self._same.meet(batch.replies.tolist(), rewards)
        self._near.meet(batch.near.tolist(), rewards)
        self._step = step

    def told(self, window: RewardWindow) -> Consistency:
        """What everything so far tells.

        Args:
            window: The rewards, the newest ones included.
        """
        spread = float(window.rewards.std()) if window.rewards.size else 0.0
        return Consistency(
            measured=self._measured,
            same=self._same.repeats(SAME * spread, self._step),
            near=self._near.repeats(NEARLY * spread, self._step),
            agreement=agreement(window),
        )


def agreement(window: RewardWindow) -> Pooled:
    """How alike two ways of scoring rank the replies to a prompt."""
    known = np.isfinite(window.other) & (window.prompts != UNKNOWN)
    if not known.any():
        return NOTHING
    return spearman_within(window.rewards[known], window.other[known], window.prompts[known])
