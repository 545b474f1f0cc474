"""The generations of an attached PPO trainer, with the score its reward model gave each.

PPO keeps none. They are seen where its loop asks a model for a score: a hook on the reward model itself would see neither
where the reply begins nor which of the scores of a sequence counts. trl 1.12.0, the last with PPO, was looked at.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rldk_tui.events import Phase
from rldk_tui.integrations.trl.border import Border
from rldk_tui.integrations.trl.completion_rows import Batch
from rldk_tui.integrations.trl.ppo import loop_globals
from rldk_tui.integrations.trl.taps import Tap

_SCORING = "get_reward"


class _Scored(NamedTuple):
    """One call of `get_reward`: tokens of prompts and replies (rows × tokens), where the replies begin, a score a row."""

    tokens: Any
    context_length: int
    scores: Any


class PPOGenerations:
    """Remembers what was scored since the last step, as far as it belongs to one batch."""

    def __init__(self, trainer: Any, loop: dict[str, Any], border: Border) -> None:
        self._trainer = trainer
        self._border = border
        self._rows = int(trainer.args.local_batch_size)
        self._scored: list[_Scored] = []
        # a tokenizer may not be asked from two threads at once: the other call would fail, and that is the trainer's
        self._tokenizer = copy.deepcopy(getattr(trainer.processing_class, "tokenizer", trainer.processing_class))
        self._tap = Tap(loop, _SCORING, self._heard)
        self._tap.open()

    @staticmethod
    def of(trainer: Any, border: Border) -> PPOGenerations | None:
        """None for every other trainer, and for a PPO that scores in another way."""
        loop = loop_globals(type(trainer))
        known = loop is not None and callable(loop.get(_SCORING)) and hasattr(trainer, "reward_model")
        return PPOGenerations(trainer, loop, border) if known and loop is not None else None

    def close(self) -> None:
        """Listen no more."""
        self._tap.close()

    def step_begins(self) -> None:
        """PPO does not say."""

    def step_ends(self) -> None:
        """What PPO samples to show it is scored after the step's end, and is dropped: the next step's batch comes last."""

    def take(self, step: int, phase: Phase) -> Callable[[], Batch] | None:
        """The last batch of rollouts."""
        if phase is not Phase.TRAIN or not self._scored:
            return None
        scored, self._scored = self._scored, []
        now = time.time()
        return lambda: self._batch(now, step, scored)

    def _heard(self, *call: Any, **named: Any) -> None:
        self._border.attempt("remember what the reward model scored", self._note, *call, **named)

    def _note(
        self,
        result: Sequence[Any],
        model: Any,
        query_responses: Any,
        pad_token_id: int,  # noqa: ARG002
        context_length: int,
    ) -> None:
        if model is not self._trainer.reward_model:
            return  # the value model is asked in the same way
        self._scored.append(_Scored(query_responses.detach(), context_length, result[1].detach()))
        while sum(len(one.tokens) for one in self._scored[1:]) >= self._rows:
            del self._scored[0]

    def _batch(self, now: float, step: int, scored: Sequence[_Scored]) -> Batch:
        pad, end = self._tokenizer.pad_token_id, self._tokenizer.eos_token_id
        prompts: list[str] = []
        replies: list[list[int]] = []
        for one in scored:
            rows = one.tokens.tolist()
            prompts += self._decoded([row[: one.context_length] for row in rows])
            replies += [row[one.context_length :] for row in rows]
        cut_off = [end not in reply for reply in replies]
        rewards: dict[str, list[float]] = {"reward_model": [score for one in scored for score in one.scores.float().tolist()]}
        penalty = getattr(self._trainer.args, "missing_eos_penalty", None)
        if penalty is not None:
            rewards["missing_eos_penalty"] = [-float(penalty) if cut else 0.0 for cut in cut_off]
        return Batch(
            time=now,
            step=step,
            phase=Phase.TRAIN,
            prompts=prompts,
            completions=self._decoded(replies),
            rewards=rewards,
            lengths=[reply.index(pad) if pad in reply else len(reply) for reply in replies],
            truncated=cut_off,
        )

    def _decoded(self, tokens: list[list[int]]) -> list[str]:
        """As TRL decodes: without padding and end."""
        return list(self._tokenizer.batch_decode(tokens, skip_special_tokens=True))
