"""What a training is, found out when it starts: the facts of the `run_started` event.

A trainer is never handed to its callbacks, so what it is called is told by the class of its arguments. Each fact is found
out by itself: one that fails is left out and told, and the others stand.
"""

from __future__ import annotations

import os
import platform
import re
import socket
import time
from collections.abc import Mapping
from enum import Enum
from importlib import metadata
from pathlib import Path
from typing import Any

from rldk_tui.events import SCHEMA_VERSION, Algorithm, Json, RunStarted
from rldk_tui.integrations.trl.border import Border
from rldk_tui.integrations.trl.git_revision import git_revision
from rldk_tui.integrations.trl.values import plain_text, short
from rldk_tui.metrics import algorithm_from_trainer
from rldk_tui.system import hardware_facts

_PACKAGES = ("trl", "transformers", "torch", "accelerate", "datasets", "peft", "vllm", "rldk-tui")
_SECRET = re.compile(r"(^|_)(hub|access|auth|api)_?(token|key)$|secret|password|credential", re.IGNORECASE)
_DEEPEST = 8
"""Levels of a nested config that are kept; below that a value is written as text."""
_LARGEST = 2**63


def run_started(args: Any, state: Any, model: Any, run_id: str, border: Border) -> RunStarted:
    """The first event of a launch, with everything that could be found out.

    Args:
        args: The trainer's arguments (`GRPOConfig` and its like).
        state: The trainer's state; a resumed one already counts the steps before.
        model: The model in training, wrapped or not.
        run_id: The name of the run, the same on every rank and relaunch.
        border: Where a fact that cannot be found out is told.
    """
    names = trainer_names(args)
    max_steps = border.attempt("read the planned steps", int, getattr(state, "max_steps", 0) or 0)
    return RunStarted(
        time=time.time(),
        schema_version=SCHEMA_VERSION,
        run_id=plain_text(run_id),
        algorithm=names[0],
        trainer=names[1],
        model=border.attempt("name the model", model_name, model),
        config=border.attempt("read the training arguments", config, args) or {},
        versions=border.attempt("read the versions", versions) or {},
        hardware=border.attempt("describe the machine", hardware_facts) or {},
        host=border.attempt("name the host", socket.gethostname),
        pid=os.getpid(),
        seed=border.attempt("read the seed", _whole, getattr(args, "seed", None)),
        git_revision=border.attempt("read the git revision", git_revision, Path()),
        max_steps=max_steps or None,
        first_step=border.attempt("read the first step", int, getattr(state, "global_step", 0) or 0) or 0,
        rank=rank_of(args),
        world_size=_whole(getattr(args, "world_size", None)) or 1,
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def rank_of(args: Any) -> int:
    """The rank of this process among all that train together; 0 where the arguments do not say."""
    return _whole(getattr(args, "process_index", None)) or 0


def trainer_names(args: Any) -> tuple[Algorithm | None, str | None]:
    """The algorithm and the trainer's class, as the class of the arguments tells them.

    A user's own `class MyConfig(GRPOConfig)` is still GRPO. Plain `TrainingArguments` tell nothing.
    """
    for kind in type(args).__mro__:
        algorithm = algorithm_from_trainer(kind.__name__) if kind.__name__.endswith("Config") else None
        if algorithm is not None:
            return algorithm, kind.__name__.removesuffix("Config") + "Trainer"
    return None, None


def model_name(model: Any) -> str | None:
    """Where the model came from, or its class; PPO hands over a policy and value model in one wrapper."""
    if model is None:
        return None
    policy = getattr(model, "policy", None) or getattr(model, "module", None) or model
    name = getattr(getattr(policy, "config", None), "_name_or_path", None)
    return plain_text(str(name or type(policy).__name__))


def versions() -> dict[str, str]:
    """The versions of what trains, by distribution; read from the installation's records, so nothing is imported."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def config(args: Any) -> dict[str, Json]:
    """The training arguments as JSON, secrets left out.

    `to_dict` replaces every `..._token` by a placeholder, PPO's `stop_token` too, which is no secret: those are read from
    the arguments themselves.
    """
    shown: Mapping[str, object] = args.to_dict()
    return {
        plain_text(str(key)): as_json(getattr(args, key, value) if str(key).endswith("_token") else value)
        for key, value in shown.items()
        if not _SECRET.search(str(key))
    }


def as_json(value: object, depth: int = 0) -> Json:
    """The nearest thing JSON can carry; what has no like in JSON becomes text. Secrets inside are left out."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, Enum):
        return as_json(value.value, depth + 1)
    if isinstance(value, int):
        return int(value) if -_LARGEST <= value < _LARGEST else str(value)
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, os.PathLike):
        return plain_text(os.fspath(str(value)))
    if depth < _DEEPEST and isinstance(value, Mapping):
        items = ((str(key), item) for key, item in value.items())
        return {plain_text(key): as_json(item, depth + 1) for key, item in items if not _SECRET.search(key)}
    if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
        return [as_json(item, depth + 1) for item in value]
    return short(value)
