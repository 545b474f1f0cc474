"""What files beside a log tell of a run: its model, its settings, its trainer. None of them holds a metric.

`adapter_config.json` (PEFT: base model and adapter), `training_args.json` and `args.json` (ms-swift: the trainer's
arguments), `wandb-metadata.json` (W&B: the command line), `experiment_state-*.json` and `params.json` (RLlib: trainer and
settings). `training_args.bin` is a pickle and never opened.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

import msgspec

from rldk_tui.events import Json, RunDescribed
from rldk_tui.metrics import algorithm_from_config
from rldk_tui.readers import DocumentFormat, Read
from rldk_tui.readers._json_rows import text_of
from rldk_tui.readers._numbers import number

_ADAPTER = ("peft_type", "r", "lora_alpha", "lora_dropout", "target_modules", "use_rslora", "use_dora")
_MODELS = ("model_name_or_path", "model_id_or_path", "base_model", "model_name", "model", "_name_or_path", "model_type")


def read(file: Path, path: PurePath) -> Iterator[Read]:
    """The facts, as far as they have a name here."""
    try:
        facts = json.loads(text_of(file))
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if not isinstance(facts, dict):
        raise ValueError("it is no object")
    if "base_model_name_or_path" in facts:
        adapter = {f"peft.{name}": facts[name] for name in _ADAPTER if facts.get(name) is not None}
        yield RunDescribed(time=math.nan, model=_text(facts["base_model_name_or_path"]), config=adapter)
    elif path.name == "wandb-metadata.json":
        yield from _command(facts)
    elif isinstance(facts.get("checkpoints"), list):
        yield from _ray(facts["checkpoints"])
    else:
        yield _described(facts)


def _described(config: dict[str, Json], trainer: str | None = None) -> RunDescribed:
    goal = number(config.get("max_steps"))
    return RunDescribed(
        time=math.nan,
        algorithm=algorithm_from_config(config),
        trainer=trainer,
        model=next((text for name in _MODELS if (text := _text(config.get(name)))), None),
        config=config,
        max_steps=int(goal) if goal is not None and 0 < goal < math.inf else None,
    )


def _command(facts: Mapping[str, Any]) -> Iterator[RunDescribed]:
    """The settings on a command line: `--learning_rate 5e-5 --max_steps=250`."""
    words = facts.get("args")
    words = [str(word) for word in words] if isinstance(words, list) else []
    config: dict[str, Json] = {}
    for index, word in enumerate(words):
        if not word.startswith("--"):
            continue
        name, given, value = word[2:].partition("=")
        following = words[index + 1] if index + 1 < len(words) else "--"
        value = value if given else "" if following.startswith("--") else following
        config[name.replace("-", "_")] = _setting(value) if value else True
    version = _text(facts.get("python"))
    versions = {"python": version.removeprefix("CPython ")} if version else {}
    yield msgspec.structs.replace(_described(config), versions=versions)


def _setting(value: str) -> Json:
    """A word of a command line: a number if it is one."""
    told = number(value)
    if told is None:
        return value
    return int(told) if value.lstrip("+-").isdecimal() else told


def _ray(checkpoints: list[Json]) -> Iterator[RunDescribed]:
    """Ray Tune's state: a trial's trainer and settings, as JSON in a text."""
    for text in checkpoints[:1]:
        try:
            trial = json.loads(text)
        except (ValueError, TypeError, RecursionError):
            continue
        if isinstance(trial, dict) and isinstance(trial.get("config"), dict):
            yield _described(trial["config"], _text(trial.get("trainable_name")))


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None


_MARKS: Mapping[str, tuple[bytes, ...]] = {
    "adapter_config.json": (b'"base_model_name_or_path"', b'"peft_type"'),
    "training_args.json": (b'"learning_rate"', b'"output_dir"', b'"do_train"'),
    "args.json": (b'"learning_rate"', b'"model_type"', b'"output_dir"'),
    "params.json": (b'"lr"', b'"env"', b'"train_batch_size"', b'"framework"'),
    "wandb-metadata.json": (b'"program"', b'"os"'),
}


def claims(path: PurePath, head: bytes) -> bool:
    """An object of one of these names with the entries that its writer gives it."""
    if not head.lstrip().startswith(b"{"):
        return False
    if path.name.startswith("experiment_state-"):
        return b'"checkpoints"' in head and b"trainable_name" in head
    return any(mark in head for mark in _MARKS.get(path.name, ()))


FORMAT = DocumentFormat(name="run settings", authority=0, claims=claims, read=read)
