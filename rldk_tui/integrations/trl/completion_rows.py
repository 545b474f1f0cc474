"""Generations as the trainer handed them over, made into the rows of a `completions` event, within bounds of size."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from rldk_tui.events import Completion, Completions, Phase
from rldk_tui.events.conversation import as_text
from rldk_tui.integrations.trl.values import number, plain_text

_MARK_BYTES = 8
_HEAD = 3 / 4
"""Share of a cut text that is its beginning: what a reply is about; its end tells how it ended."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of a batch is recorded.

    Attributes:
        rows: Generations of one event.
        characters: Of one prompt and of one completion; of a longer one the middle is left out.
    """

    rows: int = 128
    characters: int = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Generations of one step: references to what the trainer keeps, one entry each. Made on the training thread.

    Attributes:
        time: When they were made, in Unix seconds.
        prompts, completions: Texts or conversations.
        rewards: By reward function.
        lengths: Tokens of each completion.
        truncated: Whether each was cut off before it ended.
        left_out: Generations of the step that are not here.
    """

    time: float
    step: int
    phase: Phase
    prompts: Sequence[Any]
    completions: Sequence[Any]
    rewards: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    advantages: Sequence[Any] | None = None
    lengths: Sequence[int | None] | None = None
    truncated: Sequence[bool | None] | None = None
    left_out: int = 0


def cut(text: str, longest: int) -> str:
    """The text, or its beginning and end with what was left out told between them, so that different texts stay different."""
    if len(text) <= longest:
        return text
    head = int(longest * _HEAD)
    end = len(text) - (longest - head)
    left_out = text[head:end]
    mark = blake2b(left_out.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{text[:head]} […{len(left_out)} characters left out, mark {mark}…] {text[end:]}"


def marks(key: bytes) -> Callable[[str], str]:
    """What stands for a text that is not to be recorded: nobody without the key can tell which text it was."""
    return lambda text: "#" + blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=_MARK_BYTES).hexdigest()


def completions_of(batch: Batch, bounds: Bounds, mark: Callable[[str], str] | None) -> Completions:
    """The event of a batch.

    Args:
        batch: What was handed over.
        bounds: How much of it is kept, the first rows.
        mark: What is written in place of every text; None to write the text.
    """
    kept = min(len(batch.completions), bounds.rows)

    def shown(value: Any) -> str:
        text = as_text(value)
        return mark(text) if mark else plain_text(cut(text, bounds.characters))

    rows = (
        Completion(
            prompt=shown(batch.prompts[index]),
            completion=shown(batch.completions[index]),
            rewards={plain_text(name): _number(given, index) for name, given in batch.rewards.items()},
            advantage=_number(batch.advantages, index),
            length=_at(batch.lengths, index),
            truncated=_at(batch.truncated, index),
        )
        for index in range(kept)
    )
    return Completions(
        time=batch.time,
        step=batch.step,
        phase=batch.phase,
        rows=tuple(rows),
        without_text=mark is not None,
        left_out=batch.left_out + len(batch.completions) - kept,
    )


def _at(values: Sequence[Any] | None, index: int) -> Any:
    return None if values is None or index >= len(values) else values[index]


def _number(values: Sequence[Any] | None, index: int) -> float | None:
    """A reward or advantage; a value no number stands for is one that is not a number."""
    try:
        return number(_at(values, index))
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return math.nan
