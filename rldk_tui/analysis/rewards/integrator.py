"""`RewardModelIntegrator`: rewards in, batch by batch, and out what they say of the reward."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from rldk_tui.analysis.rewards.anomalies import AnomalyKind
from rldk_tui.analysis.rewards.given import RewardInputError, given, step_of
from rldk_tui.analysis.rewards.watch import RewardReliability, RewardWatch
from rldk_tui.analysis.rewards.written import measured
from rldk_tui.events import SUBFOLDER
from rldk_tui.events.writer import EventWriter

LOG = "events-rewards.jsonl"
"""The log that is written to: no process of the training signed it, so its rows join the launch that reached their steps."""
_SMALLEST_WINDOW = 200


class RewardModelIntegrator:
    """Follows the rewards of one training. Memory is bounded; a batch of 64 costs a few milliseconds, however long the run.

    Attributes:
        lost: Why what was measured could last not be written to the log; None if it could.
    """

    def __init__(
        self, log_dir: str | Path | None = None, *, window: int = 1000, reward_range: tuple[float, float] | None = None
    ) -> None:
        """Prepare; nothing is written before something was measured.

        Args:
            log_dir: A run directory. What is measured is then appended to `<log_dir>/rldk/events-rewards.jsonl`, where the
                monitor and the report find it.
            window: How many of the newest rewards are looked at, 200 at least.
            reward_range: The lowest and the highest score that the reward model gave its evaluation pairs, as `scored_range`
                reads them from its training's log: the share of rewards outside is then measured.

        Raises:
            RewardInputError: for a window or a range that is none.
        """
        if not isinstance(window, int) or window < _SMALLEST_WINDOW:  # type: ignore[redundant-expr] # callers are not checked
            raise RewardInputError(
                f"window is {window!r}; it takes {_SMALLEST_WINDOW} rewards at least to judge them.", "Try 1000."
            )
        if reward_range is not None and not reward_range[0] <= reward_range[1]:
            raise RewardInputError(f"reward_range is {reward_range!r}, which is no (lowest, highest).", "See scored_range.")
        self._writer = None if log_dir is None else EventWriter(Path(log_dir) / SUBFOLDER / LOG)
        self._watch = RewardWatch(window=window, reward_range=reward_range)

    @property
    def lost(self) -> str | None:
        """See the class."""
        return None if self._writer is None else self._writer.problem

    def monitor_reward_model(
        self, rewards: Any, step: int, prompts: Any = None, completions: Any = None, *, other_rewards: Any = None
    ) -> RewardReliability:
        """Take in the newest rewards, and say what all of them tell.

        Args:
            rewards: One number a completion, as a list, an array or a tensor; None or NaN where nothing was scored.
            step: Of the optimizer. A step may come in several calls; one before the newest is a training that was resumed.
            prompts: As many, text or conversations.
            completions: As many, text or conversations. Without both, consistency and the share of the variance between prompts
                are not measured.
            other_rewards: As many, of another reward function, or of an earlier scoring of the same replies: whether both rank
                the replies to a prompt alike is then measured.

        Raises:
            RewardInputError: a ValueError, if the rewards are no list of numbers, or there are not as many of everything.
        """
        step = step_of(step)
        batch = given(rewards, prompts, completions, other_rewards)
        strange = self._watch.take(batch, step)
        result = self._watch.judged(strange)
        self._write(result)
        return result

    def _write(self, result: RewardReliability) -> None:
        if self._writer is None:
            return
        event = measured(result, time.time())
        if event.values:
            self._writer.append(event)

    def close(self) -> None:
        """Close the log; measuring again opens it again."""
        if self._writer is not None:
            self._writer.close()


__all__ = ["LOG", "AnomalyKind", "RewardModelIntegrator", "RewardReliability"]
