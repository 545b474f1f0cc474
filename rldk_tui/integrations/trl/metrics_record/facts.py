"""What is constant in a training, read from its arguments, model, tokenizer and data when it begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rldk_tui.events import Algorithm
from rldk_tui.integrations.trl.git_revision import git_revision
from rldk_tui.integrations.trl.part import Training
from rldk_tui.integrations.trl.values import number, plain_text

Fact = float | int | str | bool | None
_NORMALIZED_BY = {"none": False, "group": True, "batch": True, "True": True, "False": False}
"""GRPO's `scale_rewards`, a flag in older versions."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A field, and how it is read; None from it is "not known"."""

    field: str
    read: Callable[[Training], Fact]


def facts(training: Training, run_id: str) -> dict[str, Fact]:
    """Fields of a record that do not change, by name; each is read by itself, and one that fails is told and left out."""
    found: dict[str, Fact] = {"run_id": run_id}
    for reading in _READINGS:
        value = training.border.attempt(f"read {reading.field}", reading.read, training)
        if value is not None:
            found[reading.field] = value
    return found


def setting_of(training: Training, *names: str) -> float | None:
    """The first of these arguments that holds a number."""
    values = (getattr(training.args, name, None) for name in names)
    return next((number(value) for value in values if isinstance(value, int | float)), None)


def _kl_coefficient(training: Training) -> float | None:
    """The weight of the KL penalty; `beta` of preference trainings is another thing."""
    online = training.algorithm in (Algorithm.GRPO, Algorithm.RLOO, Algorithm.ONLINE_DPO)
    return setting_of(training, *(("kl_coef", "beta") if online else ("kl_coef",)))


def _normalized(training: Training) -> bool | None:
    if training.algorithm is Algorithm.GRPO:
        return _NORMALIZED_BY.get(str(getattr(training.args, "scale_rewards", None)))
    if training.algorithm is Algorithm.RLOO:
        value = getattr(training.args, "normalize_advantages", None)
        return value if isinstance(value, bool) else None
    return None


def _batch_size(training: Training) -> int | None:
    """PPO's config is told it by the trainer; the others' is reckoned from its factors."""
    args = training.args
    if training.algorithm is Algorithm.PPO:
        return _whole(getattr(args, "batch_size", None))
    factors = [_whole(getattr(args, name, None)) for name in ("train_batch_size", "gradient_accumulation_steps", "world_size")]
    if None in factors:
        return None
    size = 1
    for factor in factors:
        size *= factor or 1
    return size


def _policy(training: Training) -> Any:
    """The network that speaks, out of its wrappers: for several processes, and PPO's with the value model."""
    model = training.model
    model = getattr(model, "module", model)
    return getattr(model, "policy", model)


def _model_config(training: Training) -> Any:
    return getattr(_policy(training), "config", None)


def _model_type(training: Training) -> str | None:
    kind = getattr(_model_config(training), "model_type", None)
    return plain_text(kind) if isinstance(kind, str) and kind else None


def _vocabulary(training: Training) -> int | None:
    """Of the text part, where the model has several."""
    config = _model_config(training)
    text = getattr(config, "text_config", None)
    return _whole(getattr(config, "vocab_size", None)) or _whole(getattr(text, "vocab_size", None))


def _tokenizer_vocabulary(training: Training) -> int | None:
    tokenizer = getattr(training.processing_class, "tokenizer", training.processing_class)
    return len(tokenizer) if hasattr(tokenizer, "__len__") else None


def _dataset_size(training: Training) -> int | None:
    """None for data that is streamed, whose length nobody knows."""
    trainer_data = getattr(training.trainer, "train_dataset", None)
    data: Any = trainer_data if trainer_data is not None else getattr(training.dataloader, "dataset", None)
    if not hasattr(data, "__len__"):
        return None
    return len(data)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


_READINGS = (
    _Read("seed", lambda training: _whole(getattr(training.args, "seed", None))),
    _Read("git_sha", lambda _: git_revision(Path())),
    _Read("kl_coef", _kl_coefficient),
    _Read("target_kl", lambda training: setting_of(training, "target_kl")),
    _Read("clip_range", lambda training: setting_of(training, "cliprange", "epsilon")),
    _Read("clip_range_value", lambda training: setting_of(training, "cliprange_value")),
    _Read("advantage_normalized", _normalized),
    _Read("batch_size", _batch_size),
    _Read("model_type", _model_type),
    _Read("vocab_size", _vocabulary),
    _Read("tokenizer_vocab_size", _tokenizer_vocabulary),
    _Read("dataset_size", _dataset_size),
)
