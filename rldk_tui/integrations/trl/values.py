"""What a trainer logs, as plain numbers.

A trainer's log holds floats, ints, Python's None (nothing could be scored), NumPy and torch scalars, and in transformers 5
sometimes text. Numbers are kept as they are, NaN and infinities included, and None stays None. torch is never imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rldk_tui.events import Phase

_EVAL_PREFIX = "eval_"
_OF_A_TRAINING_STEP = ("loss", "learning_rate", "lr")


@dataclass(frozen=True, slots=True)
class NotANumber:
    """A logged value that no number stands for."""

    metric: str
    value: str
    reason: str


def phase_of(logs: Mapping[str, object]) -> Phase:
    """Which of the trainer's rows this is.

    The final summary is told by `train_loss`: `train_runtime` is in every row when tokens are counted.
    """
    if "train_loss" in logs:
        return Phase.FINAL
    if any(key in logs for key in _OF_A_TRAINING_STEP):
        return Phase.TRAIN
    return Phase.EVAL if any(str(key).startswith(_EVAL_PREFIX) for key in logs) else Phase.TRAIN


def number(value: object) -> float | None:
    """The number a logged value stands for; None for None.

    Raises:
        TypeError: if the value is of no kind that a number can be made of, or holds several.
        ValueError: if it is a text or array that is no single number.
        OverflowError: if it is a whole number beyond what a float holds.
        RuntimeError: if a tensor on a device could not be read.
    """
    if value is None or type(value) is float:
        return value
    if isinstance(value, int | float | str):
        return float(value)
    item = getattr(value, "item", None)
    if callable(item):  # a NumPy or torch scalar, on whatever device
        return number_of_scalar(item())
    if hasattr(value, "__float__"):
        return float(value)
    raise TypeError(f"{type(value).__name__} is not a number")


def number_of_scalar(value: object) -> float | None:
    """The number inside a NumPy or torch scalar.

    Raises:
        TypeError: if it holds something else, such as a complex number.
    """
    if value is None or isinstance(value, int | float | str):
        return number(value)
    raise TypeError(f"a scalar of {type(value).__name__} is not a number")


def numbers(logs: Mapping[str, object], phase: Phase) -> tuple[dict[str, float | None], tuple[NotANumber, ...]]:
    """Every value of one row under the name it goes by in this phase, and those that no number stands for."""
    values: dict[str, float | None] = {}
    refused: list[NotANumber] = []
    for key, value in logs.items():
        if type(value) is float and type(key) is str and key.isascii():  # nearly every one, and this runs at every step
            values[key] = value
            continue
        try:
            values[plain_text(str(key))] = number(value)
        except (TypeError, ValueError, OverflowError, RuntimeError) as failure:
            name = str(key).removeprefix(_EVAL_PREFIX) if phase is Phase.EVAL else str(key)
            refused.append(NotANumber(name, short(value), f"{type(failure).__name__}: {failure}"))
    return (without_eval_prefix(values) if phase is Phase.EVAL else values), tuple(refused)


def without_eval_prefix(values: dict[str, float | None]) -> dict[str, float | None]:
    """The same values by their names in training; a name that would then stand twice keeps its prefix."""
    bare = {key.removeprefix(_EVAL_PREFIX) for key in values if key.startswith(_EVAL_PREFIX)}
    taken = {key for key in values if not key.startswith(_EVAL_PREFIX)} & bare
    return {
        key if key.removeprefix(_EVAL_PREFIX) in taken else key.removeprefix(_EVAL_PREFIX): value
        for key, value in values.items()
    }


def short(value: object) -> str:
    """A value as a person may recognise it, in at most 200 characters that any file can hold."""
    try:
        text = repr(value)
    except (TypeError, ValueError, RuntimeError, AttributeError) as failure:
        text = f"{type(value).__name__} ({type(failure).__name__} in its own repr)"
    return plain_text(text[:200])


def plain_text(text: str) -> str:
    """The text with anything that UTF-8 cannot carry replaced, as lone surrogates in a path are."""
    return text.encode("utf-8", "replace").decode("utf-8")
