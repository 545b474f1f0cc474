"""The generations an attached GRPO or RLOO trainer keeps: the last batch, from all processes, in lists of its own.

They are private to the trainer (`_logs`), so nothing is assumed of them that is not looked at first. Lengths and ends are
not among them; they are read off the tokens as `_generate` returns them, and so is which rows are an evaluation's, because
TRL keeps those in the same lists. trl 1.12.0 and 1.16.0 were looked at.
"""

from __future__ import annotations

import threading
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


class _Sampled(NamedTuple):
    """One call of `_generate`, which the trainer keeps as the next rows of its lists.

    Attributes:
        phase: What it was sampled for; None once it was taken.
        rows: Of all processes; those of this one come first.
        tokens: Of each completion of this process.
        written: Which of them the model wrote, where tools wrote others.
    """

    phase: Phase | None
    rows: int
    tokens: Sequence[Sequence[int]]
    written: Sequence[Sequence[int]] | None


class _Lists:
    """The trainer's lists as they are until it generates again: copied by whoever comes first, the other thread or that.

    The copy is not made when a step ends: it is most of what recording would cost the training thread there.
    """

    def __init__(self, logs: Mapping[str, Any]) -> None:
        self._logs = logs
        self._copying = threading.Lock()
        self._copied: tuple[dict[str, list[Any]], dict[str, list[Any]]] | None = None

    def copied(self) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
        """The lists of `_LISTS`, and the rewards by function."""
        with self._copying:
            if self._copied is None:
                rewards = {str(name): list(given) for name, given in list(self._logs["rewards"].items())}
                self._copied = {name: list(self._logs[name]) for name in _LISTS}, rewards
            return self._copied


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
        self._most = trainer._logs["prompt"].maxlen or 0  # noqa: SLF001 - see the module
        self._sampled: deque[_Sampled] = deque()
        self._lists: _Lists | None = None
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
        if all(one.phase is not phase for one in self._sampled):
            return None
        sampled = tuple(self._sampled)
        if len(sampled) == 1:  # nearly always
            self._sampled.clear()
        else:
            self._sampled = deque(one._replace(phase=None, tokens=()) if one.phase is phase else one for one in sampled)
        while self._sampled and self._sampled[0].phase is None:
            self._sampled.popleft()
        now, ends = time.time(), self._ends
        self._lists = lists = _Lists(self._trainer._logs)  # noqa: SLF001 - see the module
        return lambda: _batch(now, step, phase, sampled, ends, *lists.copied())

    def _noting(self, generate: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any, **named: Any) -> Any:
            phase = self._border.attempt("copy the generations", self._before_generating)
            generated = generate(*arguments, **named)
            if self._wrapping.active and phase is not None:
                self._border.attempt("read the tokens of the generations", self._note, phase, generated)
            return generated

        return noted

    def _before_generating(self) -> Phase:
        """Copies what is about to be overwritten; returns what is generated for."""
        lists, self._lists = self._lists, None
        if lists is not None:
            lists.copied()
        return Phase.TRAIN if self._trainer.model.training else Phase.EVAL

    def _note(self, phase: Phase, generated: Sequence[Any]) -> None:
        tokens = generated[_IDS]
        written = generated[_TOOL_MASK] if len(generated) == _WITH_TOOL_MASK else None
        rows = len(tokens) * self._trainer.accelerator.num_processes
        self._sampled.append(_Sampled(phase, rows, tokens, written))
        while sum(one.rows for one in self._sampled) - self._sampled[0].rows >= self._most > 0:
            self._sampled.popleft()


def _batch(
    now: float,
    step: int,
    phase: Phase,
    sampled: Sequence[_Sampled],
    ends: frozenset[int],
    lists: Mapping[str, list[Any]],
    rewards: Mapping[str, list[Any]],
) -> Batch:
    """The rows of one phase; the lists end with what was sampled last, and may have lost what was sampled first."""
    held = len(lists["completion"])
    first = held - sum(one.rows for one in sampled)
    places: list[int] = []
    told: list[tuple[int | None, bool | None]] = []
    left_out = 0
    for one in sampled:
        if one.phase is phase:
            known = zip(range(first, first + one.rows), _lengths(one), _truncated(one, ends), strict=True)
            alive = [(place, (length, cut)) for place, length, cut in known if place >= 0]
            left_out += one.rows - len(alive)
            places.extend(place for place, _ in alive)
            told.extend(facts for _, facts in alive)
        first += one.rows

    def shown(kept: list[Any]) -> list[Any]:
        shorter = held - len(kept)
        return [kept[place - shorter] if place >= shorter else None for place in places]

    return Batch(
        time=now,
        step=step,
        phase=phase,
        prompts=shown(lists["prompt"]),
        completions=shown(lists["completion"]),
        rewards={name: shown(given) for name, given in rewards.items()},
        advantages=shown(lists["advantages"]),
        lengths=[length for length, _ in told],
        truncated=[cut for _, cut in told],
        left_out=left_out,
    )


def _lengths(sampled: _Sampled) -> list[int | None]:
    """Tokens that the model wrote; other processes' are not known here."""
    if sampled.written is None:
        known = [len(tokens) for tokens in sampled.tokens]
    else:
        known = [int(sum(mask)) for mask in sampled.written]
    return [*known, *[None] * (sampled.rows - len(known))]


def _truncated(sampled: _Sampled, ends: frozenset[int]) -> list[bool | None]:
    """Whether each was cut off, as TRL counts it: its last token is no end."""
    known = [tokens[-1] not in ends if ends and len(tokens) else None for tokens in sampled.tokens]
    return [*known, *[None] * (sampled.rows - len(known))]
