"""The generations an attached GRPO or RLOO trainer keeps: the last batch, from all processes, in lists of its own.

They are private to the trainer (`_logs`), so nothing is assumed of them that is not looked at first. Lengths and ends are
not among them; they are read off the tokens as `_generate` returns them, and so is which rows are an evaluation's, because
TRL keeps those in the same lists. trl 1.12.0 and 1.16.0 were looked at.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from rldk_tui.events import Phase
from rldk_tui.integrations.trl.border import Border
from rldk_tui.integrations.trl.completion_rows import Batch
from rldk_tui.integrations.trl.wrapping import Wrapping

_LISTS = ("prompt", "completion", "advantages")
_IDS, _TOOL_MASK = 1, 2
"""Where `_generate` returns each completion's tokens and, in GRPO, which of them the model wrote."""
_WITH_TOOL_MASK = 8
"""How much GRPO's `_generate` returns; RLOO's returns three things and knows no tools."""


class _Note(NamedTuple):
    """What is known of one row that the trainer keeps."""

    phase: Phase
    length: int | None
    truncated: bool | None


def ending_tokens(processing_class: Any) -> frozenset[int]:
    """The tokens that end a completion, as TRL counts its `clipped_ratio`; empty where they are not known."""
    tokenizer = getattr(processing_class, "tokenizer", processing_class)
    ids = (getattr(tokenizer, name, None) for name in ("eos_token_id", "pad_token_id"))
    return frozenset(token for token in ids if isinstance(token, int))


class KeptGenerations:
    """Takes the newest batch out of the lists of one trainer."""

    def __init__(self, trainer: Any, border: Border) -> None:
        self._trainer = trainer
        self._border = border
        self._wrapping = Wrapping()
        self._notes: deque[_Note | None] = deque(maxlen=trainer._logs["prompt"].maxlen)  # noqa: SLF001 - see the module
        self._ends = ending_tokens(trainer.processing_class)
        self._wrapping.wrap(trainer, "_generate", self._noting)

    @staticmethod
    def of(trainer: Any, border: Border) -> KeptGenerations | None:
        """None where this trainer keeps no such lists."""
        logs = getattr(trainer, "_logs", None)
        if not isinstance(logs, Mapping) or not callable(getattr(trainer, "_generate", None)):
            return None
        whole = all(isinstance(logs.get(name), deque) for name in _LISTS) and isinstance(logs.get("rewards"), Mapping)
        return KeptGenerations(trainer, border) if whole else None

    def close(self) -> None:
        """Leave the trainer as it was."""
        self._wrapping.undo()

    def step_begins(self) -> None:
        """Nothing to do: the trainer says itself whether it trains."""

    def step_ends(self) -> None:
        """Nothing to do, for the same reason."""

    def take(self, step: int, phase: Phase) -> Callable[[], Batch] | None:
        """The rows of this phase that were not taken before; None if there are none."""
        chosen = [index for index, note in enumerate(self._notes) if note is not None and note.phase is phase]
        if not chosen:
            return None
        notes, logs = list(self._notes), self._trainer._logs  # noqa: SLF001 - see the module
        for index in chosen:
            self._notes[index] = None
        lists = {name: _last(logs[name], len(notes)) for name in _LISTS}
        rewards = {str(name): _last(given, len(notes)) for name, given in logs["rewards"].items()}
        now = time.time()
        return lambda: _batch(now, step, phase, chosen, notes, lists, rewards)

    def _noting(self, generate: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any, **named: Any) -> Any:
            phase = Phase.TRAIN if self._trainer.model.training else Phase.EVAL
            generated = generate(*arguments, **named)
            if self._wrapping.active:
                self._border.attempt("read the tokens of the generations", self._note, phase, generated)
            return generated

        return noted

    def _note(self, phase: Phase, generated: Sequence[Any]) -> None:
        ids = generated[_IDS]
        written = generated[_TOOL_MASK] if len(generated) == _WITH_TOOL_MASK else None
        lengths = [len(tokens) for tokens in ids] if written is None else [int(sum(mask)) for mask in written]
        for tokens, length in zip(ids, lengths, strict=True):
            truncated = tokens[-1] not in self._ends if self._ends and len(tokens) else None
            self._notes.append(_Note(phase, length, truncated))
        # the other processes' rows follow those of the first, which alone records
        elsewhere = (self._trainer.accelerator.num_processes - 1) * len(ids)
        self._notes.extend([_Note(phase, None, None)] * elsewhere)


def _last(kept: Any, count: int) -> list[Any]:
    """The newest entries, with None before them where fewer are kept."""
    entries = list(kept)[-count:]
    return [None] * (count - len(entries)) + entries


def _batch(
    now: float,
    step: int,
    phase: Phase,
    chosen: list[int],
    notes: Sequence[_Note | None],
    lists: Mapping[str, list[Any]],
    rewards: Mapping[str, list[Any]],
) -> Batch:
    known = [note for index in chosen if (note := notes[index]) is not None]
    return Batch(
        time=now,
        step=step,
        phase=phase,
        prompts=[lists["prompt"][index] for index in chosen],
        completions=[lists["completion"][index] for index in chosen],
        rewards={name: [given[index] for index in chosen] for name, given in rewards.items()},
        advantages=[lists["advantages"][index] for index in chosen],
        lengths=[note.length for note in known],
        truncated=[note.truncated for note in known],
    )
