"""What a training's arguments leave out: the tokens that pad and end a text, and who pays the reward."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from rldk_tui.events import Json, RunDescribed
from rldk_tui.integrations.trl.part import Part, Training
from rldk_tui.integrations.trl.reward_functions import name_of
from rldk_tui.integrations.trl.values import plain_text

_TOKENS = ("pad_token_id", "eos_token_id")


class TrainerSettings(Part):
    """Tells once, as settings of the run beside those of the arguments; what is not known is not told."""

    task = "read the trainer's settings"

    def begin(self, training: Training) -> None:
        """Only in the process that logs."""
        if not training.is_main:
            return
        settings = {**tokens(training.processing_class), **rewards(training.trainer)}
        if settings:
            training.recorder.write(RunDescribed(time=time.time(), config=settings))


def tokens(processing_class: Any) -> dict[str, Json]:
    """Ids of the tokens that pad and end a text; a processor of images has them in its tokenizer."""
    tokenizer = getattr(processing_class, "tokenizer", processing_class)
    found = {name: getattr(tokenizer, name, None) for name in _TOKENS}
    return {name: token for name, token in found.items() if isinstance(token, int)}


def rewards(trainer: Any) -> dict[str, Json]:
    """What an attached trainer is paid by: names of functions; names or paths of models, which have a slash; weights."""
    functions = getattr(trainer, "reward_funcs", None)
    if not isinstance(functions, list | tuple):
        return {}
    told: dict[str, Json] = {"reward_funcs": [_name(function) for function in functions]}
    weights = list(_weights(getattr(trainer, "reward_weights", None)))
    return {**told, "reward_weights": weights} if len(weights) == len(functions) else told


def _weights(given: Any) -> Iterator[float]:
    values = given.tolist() if hasattr(given, "tolist") else given
    yield from (float(value) for value in values or () if isinstance(value, int | float))


def _name(function: Any) -> str:
    config = getattr(function, "config", None)
    if config is None:
        return plain_text(name_of(function))
    name = str(getattr(config, "_name_or_path", "") or type(function).__name__)
    return plain_text(name if "/" in name else f"./{name}")
