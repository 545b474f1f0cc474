"""What a caller hands over, checked and made numbers and marks: rewards come as lists or tensors, prompts as anything."""

from __future__ import annotations

import math
import operator
import string
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rldk_tui.errors import UserError
from rldk_tui.events import LAST_STEP
from rldk_tui.events.conversation import as_text
from rldk_tui.statistics.trend import LARGEST
from rldk_tui.statistics.windows import Floats

UNKNOWN = -1
"""The mark of a prompt or reply that was not told."""
NEAR = 16_384
"""Characters up to which a reply is compared by its words; longer ones are only told apart."""
_BETWEEN_WORDS = str.maketrans(dict.fromkeys(string.punctuation + "\u3001\u3002\uff0c\uff01\uff1f", " "))


class RewardInputError(UserError, ValueError):
    """Rewards, prompts or completions that cannot be what they are called."""


@dataclass(frozen=True, slots=True)
class Given:
    """One call's rewards.

    Attributes:
        rewards: shape (n,), as they were given; NaN where nothing was scored, infinities kept.
        other: shape (n,), of another reward function; NaN where not told.
        prompts, replies, near: shape (n,), marks: the same for the same text, `UNKNOWN` where not told. `near` is of prompt
            and reply but for case, white space and punctuation.
    """

    rewards: Floats
    other: Floats
    prompts: NDArray[np.int64]
    replies: NDArray[np.int64]
    near: NDArray[np.int64]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which rewards are finite."""
        return np.isfinite(self.rewards)


def given(rewards: Any, prompts: Any = None, completions: Any = None, other: Any = None) -> Given:
    """Everything checked.

    Raises:
        RewardInputError: if the rewards are no list of numbers, or there are not as many of one thing as of another.
    """
    values = numbers(rewards, "rewards")
    size = values.size
    asked, said = texts(prompts, "prompts", size), texts(completions, "completions", size)
    beside = np.full(size, math.nan) if other is None else numbers(other, "other_rewards")
    _same_length("other_rewards", beside.size, size)
    return Given(
        rewards=np.where(np.isfinite(values), np.clip(values, -LARGEST, LARGEST), values),
        other=np.clip(np.where(np.isfinite(beside), beside, math.nan), -LARGEST, LARGEST),
        prompts=_marks(asked, size),
        replies=_marks(_joined(asked, said), size),
        near=_marks(_joined(asked, said, near=True), size),
    )


def of_record(rewards: Floats, prompts: Sequence[str], replies: Sequence[str] | None) -> Given:
    """The same of generations on record; near duplicates are not looked for.

    Args:
        rewards: shape (n,), NaN where nothing was scored.
        prompts: n.
        replies: n; None where what was said is not on record.
    """
    marks = {prompt: _mark(prompt) for prompt in dict.fromkeys(prompts)}
    asked = np.array([marks[prompt] for prompt in prompts], np.int64)
    nowhere = np.full(rewards.size, UNKNOWN, np.int64)
    said = nowhere if replies is None else np.array([hash(both) for both in zip(prompts, replies, strict=True)], np.int64)
    return Given(
        rewards=np.where(np.isfinite(rewards), np.clip(rewards, -LARGEST, LARGEST), rewards),
        other=np.full(rewards.size, math.nan),
        prompts=asked,
        replies=said,
        near=nowhere,
    )


def step_of(step: Any) -> int:
    """The step as a whole number.

    Raises:
        RewardInputError: if it is none, or below 0.
    """
    try:
        whole = operator.index(step)
    except TypeError:
        raise RewardInputError(f"step is {_shown(step)}, which is no whole number.", "Give the optimizer step.") from None
    if not 0 <= whole <= LAST_STEP:
        raise RewardInputError(f"step is {whole}, and steps are counted from 0.", "Give the optimizer step.")
    return whole


def numbers(values: Any, name: str) -> Floats:
    """One number each, NaN for None.

    Raises:
        RewardInputError: if it is no list of numbers.
    """
    hint = f"Give {name} as a list of one number a completion; None or NaN stand for one that could not be scored."
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiub" and values.ndim == 1:
        return values.astype(np.float64)
    listed = values.tolist() if callable(getattr(values, "tolist", None)) else values
    if isinstance(listed, str | bytes) or not isinstance(listed, Sequence):
        raise RewardInputError(f"{name} is {_shown(listed)}, which is no list of numbers.", hint)
    result = np.full(len(listed), math.nan)
    for index, value in enumerate(listed):
        if value is None:
            continue
        result[index] = _number(value, f"{name}[{index}]", hint)
    return result


def _number(value: Any, name: str, hint: str) -> float:
    if isinstance(value, Real) or getattr(value, "ndim", None) == 0:
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
        except (TypeError, ValueError):
            pass
    raise RewardInputError(f"{name} is {_shown(value)}, which is no number.", hint)


def texts(values: Any, name: str, size: int) -> list[str] | None:
    """Each as one text, conversations included; None where none were given.

    Raises:
        RewardInputError: if there are not as many as rewards.
    """
    if values is None:
        return None
    listed = values.tolist() if isinstance(values, np.ndarray) else values
    if isinstance(listed, str | bytes) or not isinstance(listed, Sequence):
        raise RewardInputError(f"{name} is {_shown(listed)}, which is no list.", f"Give {name} as a list, one a reward.")
    _same_length(name, len(listed), size)
    return [as_text(value) for value in listed]


def _same_length(name: str, found: int, size: int) -> None:
    if found != size:
        raise RewardInputError(f"{name} holds {found} and rewards {size}.", f"Give as many {name} as rewards.")


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if isinstance(value, Real):
        return f"the number {value!r}"
    return f"a {type(value).__name__}"


def _joined(asked: list[str] | None, said: list[str] | None, *, near: bool = False) -> list[str] | None:
    """Prompt and reply as one text; empty where a reply is too long, or has too few words, to be nearly another."""
    if asked is None or said is None:
        return None
    if not near:
        return [f"{len(prompt)} {prompt}{reply}" for prompt, reply in zip(asked, said, strict=True)]
    plain = [_plain(reply) if len(reply) <= NEAR else "" for reply in said]
    return [f"{len(prompt)} {prompt}{reply}" if reply else "" for prompt, reply in zip(asked, plain, strict=True)]


def _plain(text: str) -> str:
    """Its words without case and punctuation."""
    return " ".join(text.casefold().translate(_BETWEEN_WORDS).split())


def _marks(values: list[str] | None, size: int) -> NDArray[np.int64]:
    if values is None:
        return np.full(size, UNKNOWN, np.int64)
    return np.array([_mark(text) if text else UNKNOWN for text in values], np.int64)


def _mark(text: str) -> int:
    """A number of 62 bits: two different texts among millions hardly share it."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 2
