"""Records what the model says: prompt, completion, the reward each function gave, advantage, length, whether it was cut off.

Where they come from, the best first: the lists an attached GRPO or RLOO trainer keeps, the reward model of an attached PPO
trainer, reward functions wrapped by `wrap_reward`. TRL's own table of completions, where it writes one, is read by the
monitor and gives way to what is recorded here: an evaluation overwrites it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from rldk_tui.events import Phase
from rldk_tui.integrations.trl.completion_log import CompletionLog
from rldk_tui.integrations.trl.completion_rows import Batch, Bounds
from rldk_tui.integrations.trl.kept_generations import KeptGenerations
from rldk_tui.integrations.trl.part import Part, Training
from rldk_tui.integrations.trl.ppo_generations import PPOGenerations
from rldk_tui.integrations.trl.scored_generations import ScoredGenerations

_MEGABYTE = 1_000_000


class Source(Protocol):
    """Where generations can be had; all of it runs on the training thread and keeps references only."""

    def step_begins(self) -> None:
        """What is generated from here on is trained on."""

    def step_ends(self) -> None:
        """What is generated from here on is an evaluation's, until the next step begins."""

    def take(self, step: int, phase: Phase) -> Callable[[], Batch] | None:
        """What was generated since the last call, as a batch that another thread puts together; None for nothing."""

    def close(self) -> None:
        """Leave trainer and reward functions as they were."""


class Generations(Part):
    """One `completions` event for each step that is to be recorded, and one for each evaluation."""

    task = "record the generations"

    def __init__(self, *, every: int, megabytes: float, with_text: bool, bounds: Bounds | None = None) -> None:
        """See `RLDKCallback`: every how many steps (0 for never), bytes on disk in all, and whether text is recorded."""
        self._every = every
        self._most_bytes = int(megabytes * _MEGABYTE)
        self._with_text = with_text
        self._bounds = bounds or Bounds()
        self._source: Source | None = None
        self._log: CompletionLog | None = None
        self._training: Training | None = None
        self._recorded = 0

    def begin(self, training: Training) -> None:
        """Find where they can be had; only in the process that logs."""
        if self._every > 0 and self._most_bytes > 0 and training.is_main:
            self._training, self._recorded = training, int(training.state.global_step)
            self._source = self._source_of(training)

    def _source_of(self, training: Training) -> Source:
        trainer, border = training.trainer, training.border
        kept = trainer is not None and (KeptGenerations.of(trainer, border) or PPOGenerations.of(trainer, border))
        return kept or ScoredGenerations(training.state, training.processing_class, border, self._bounds.rows)

    def step_begin(self, step: int) -> None:  # noqa: ARG002
        """The trainers that sample do so after this."""
        if self._source is not None:
            self._source.step_begins()

    def step_end(self, step: int) -> None:
        """The step's generations are whole."""
        if self._source is None:
            return
        self._source.step_ends()
        every = self._every if self._log is None else self._log.every
        if step // every == self._recorded // every:
            return  # a batch that serves several steps is then recorded at the first step that is due
        batch = self._source.take(step, Phase.TRAIN)
        if batch is not None:
            self._recorded = step
            self._record(batch)

    def logged(self, step: int, phase: Phase, values: dict[str, float | None]) -> None:  # noqa: ARG002
        """An evaluation's generations are whole."""
        if self._source is not None and phase is Phase.EVAL:
            batch = self._source.take(step, phase)
            if batch is not None:
                self._record(batch)

    def _record(self, batch: Callable[[], Batch]) -> None:
        if self._log is None and self._training is not None:  # no thread where nothing is ever generated
            self._log = CompletionLog(
                self._training, self._bounds, every=self._every, most_bytes=self._most_bytes, with_text=self._with_text
            )
        if self._log is not None:
            self._log.offer(batch)

    def ended(self, step: int) -> None:  # noqa: ARG002
        """What waits is written before the log says that the run ended."""
        self.close()

    def close(self) -> None:
        """Trainer and reward functions are left as they were."""
        log, self._log = self._log, None
        source, self._source = self._source, None
        if source is not None:
            source.close()
        if log is not None:
            log.close()
