"""The generations that wrapped reward functions were asked to score (`wrap_reward`), of this process alone.

Advantages are not known here. One batch is what TRL hands to every function in turn: the very same list of completions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rldk_tui.events import Phase
from rldk_tui.integrations.trl.border import Border
from rldk_tui.integrations.trl.completion_rows import Batch
from rldk_tui.integrations.trl.kept_generations import ending_tokens
from rldk_tui.integrations.trl.reward_functions import Scored, forget, listen


@dataclass(slots=True)
class _Gathered:
    """One batch, and what each function gave for it."""

    first: Scored
    rewards: dict[str, Sequence[Any]] = field(default_factory=dict)


class ScoredGenerations:
    """Gathers what the wrapped functions of one training tell.

    Attributes:
        border: Where our own failures stop: they must not come out of a user's reward function.
    """

    def __init__(self, state: Any, processing_class: Any, border: Border, most_rows: int) -> None:
        self.border = border
        self._state = state
        self._ends = ending_tokens(processing_class)
        self._most_rows = most_rows
        self._training = False
        self._gathered: dict[Phase, list[_Gathered]] = {Phase.TRAIN: [], Phase.EVAL: []}
        self._left_out = 0
        listen(state, lambda scored: self.border.attempt("gather what a reward function scored", self._told, scored))

    def close(self) -> None:
        """Listen no more."""
        forget(self._state)

    def step_begins(self) -> None:
        """What is scored from here to the step's end is trained on; everything else is an evaluation."""
        self._training = True

    def step_ends(self) -> None:
        """What was scored in this step waits to be taken."""
        self._training = False

    def take(self, step: int, phase: Phase) -> Callable[[], Batch] | None:
        """The newest batch of the step, or everything an evaluation scored; None where nothing was."""
        gathered, self._gathered[phase] = self._gathered[phase], []
        left_out, self._left_out = (self._left_out, 0) if phase is Phase.EVAL else (0, self._left_out)
        now, ends = time.time(), self._ends
        return (lambda: _batch(now, step, phase, gathered, ends, left_out)) if gathered else None

    def _told(self, scored: Scored) -> None:
        if scored.rewards is None:
            self.border.say(f"could not read what the reward function {scored.function} gave: give a list, one number a reply")
        phase = Phase.TRAIN if self._training else Phase.EVAL
        batch = self._batch_of(scored, phase)
        if batch is not None and scored.rewards is not None:
            if scored.function in batch.rewards:
                self.border.say(f"several reward functions are called {scored.function}: give each a name before it is wrapped")
            batch.rewards[scored.function] = scored.rewards

    def _batch_of(self, scored: Scored, phase: Phase) -> _Gathered | None:
        """The batch this call is about; None where an evaluation has scored more than is recorded."""
        gathered = self._gathered[phase]
        if gathered and gathered[-1].first.completions is scored.completions:
            return gathered[-1]
        if phase is Phase.TRAIN:
            gathered.clear()  # several batches in one step: the last is recorded, as TRL keeps it
        elif sum(len(batch.first.completions) for batch in gathered) >= self._most_rows:
            self._left_out += len(scored.completions)
            return None
        gathered.append(_Gathered(scored))
        return gathered[-1]


def _batch(now: float, step: int, phase: Phase, gathered: Sequence[_Gathered], ends: frozenset[int], left_out: int) -> Batch:
    names = dict.fromkeys(name for batch in gathered for name in batch.rewards)
    ids = [_unpadded(tokens, ends) for batch in gathered for tokens in _tokens(batch.first)]
    return Batch(
        time=now,
        step=step,
        phase=phase,
        prompts=[prompt for batch in gathered for prompt in batch.first.prompts],
        completions=[completion for batch in gathered for completion in batch.first.completions],
        rewards={
            name: [reward for batch in gathered for reward in batch.rewards.get(name, (None,) * len(batch.first.completions))]
            for name in names
        },
        lengths=[None if tokens is None else len(tokens) for tokens in ids],
        truncated=[None if not tokens or not ends else tokens[-1] not in ends for tokens in ids],
        left_out=left_out,
    )


def _tokens(scored: Scored) -> Sequence[Sequence[int] | None]:
    return scored.completion_ids if scored.completion_ids is not None else [None] * len(scored.completions)


def _unpadded(tokens: Sequence[int] | None, ends: frozenset[int]) -> Sequence[int] | None:
    """Without padding after the end, which OnlineDPO leaves there; ends of earlier turns stay."""
    if tokens is None:
        return None
    length = len(tokens)
    while length > 1 and tokens[length - 1] in ends and tokens[length - 2] in ends:
        length -= 1
    return tokens[:length]
