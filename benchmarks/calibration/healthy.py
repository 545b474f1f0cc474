"""Healthy trainings of tiny real models, with many seeds, settings and algorithms: where every alarm is a false one.

Half of them log through the callback, half as stock TRL does. What makes each healthy is checked on the finished run, not
assumed: the reward or accuracy ends above where it began (see `went_well`).
"""

from __future__ import annotations

import json
import multiprocessing
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rldk_tui.session import RunSession
from sample_runs.tiny_language import preferences, prompts, topic_reward
from sample_runs.tiny_models import Models, build, work_alone
from sample_runs.trainings import common_arguments, train_grpo, train_ppo

Trained = Callable[[Models, dict[str, Any], list[Any]], Any]
PAIRS = 1024


def _run(trainer: Any) -> Any:
    trainer.train()
    trainer.save_state()
    return trainer


def _grpo(models: Models, arguments: dict[str, Any], callbacks: list[Any]) -> Any:
    return train_grpo(models, arguments, callbacks)


def _rloo(models: Models, arguments: dict[str, Any], callbacks: list[Any]) -> Any:
    from datasets import Dataset
    from trl import RLOOConfig, RLOOTrainer

    recipe = {"per_device_train_batch_size": 24, "num_generations": 8, "max_completion_length": 40, "log_completions": True}
    return _run(
        RLOOTrainer(
            model=models.policy(),
            reward_funcs=topic_reward,
            args=RLOOConfig(**{**recipe, "num_completions_to_print": 0, **arguments}),
            train_dataset=Dataset.from_dict({"prompt": prompts(arguments["seed"])}),
            processing_class=models.tokenizer(),
            callbacks=callbacks,
        )
    )


def _evaluated(arguments: dict[str, Any]) -> dict[str, Any]:
    every = arguments["max_steps"] // 5
    return {"per_device_train_batch_size": 16, "eval_strategy": "steps", "eval_steps": every, **arguments}


def _dpo(models: Models, arguments: dict[str, Any], callbacks: list[Any]) -> Any:
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    return _run(
        DPOTrainer(
            model=models.policy(),
            args=DPOConfig(**_evaluated(arguments)),
            train_dataset=Dataset.from_dict(preferences(arguments["seed"], PAIRS)),
            eval_dataset=Dataset.from_dict(preferences(arguments["seed"] + 1, 64)),
            processing_class=models.tokenizer(),
            callbacks=callbacks,
        )
    )


def _unpaired(seed: int, count: int) -> Any:
    from datasets import Dataset

    pairs = preferences(seed, count)
    rows = {
        "prompt": pairs["prompt"] * 2,
        "completion": pairs["chosen"] + pairs["rejected"],
        "label": [True] * count + [False] * count,
    }
    return Dataset.from_dict(rows).shuffle(seed=seed)


def _kto(models: Models, arguments: dict[str, Any], callbacks: list[Any]) -> Any:
    from trl import KTOConfig, KTOTrainer

    return _run(
        KTOTrainer(
            model=models.policy(),
            args=KTOConfig(**_evaluated(arguments)),
            train_dataset=_unpaired(arguments["seed"], PAIRS // 2),
            eval_dataset=_unpaired(arguments["seed"] + 1, 32),
            processing_class=models.tokenizer(),
            callbacks=callbacks,
        )
    )


def _reward(models: Models, arguments: dict[str, Any], callbacks: list[Any]) -> Any:
    from datasets import Dataset
    from trl import RewardConfig, RewardTrainer

    return _run(
        RewardTrainer(
            model=models.scorer(),
            args=RewardConfig(**{**_evaluated(arguments), "per_device_train_batch_size": 32}),
            train_dataset=Dataset.from_dict(preferences(arguments["seed"], 2 * PAIRS)),
            eval_dataset=Dataset.from_dict(preferences(arguments["seed"] + 1, 64)),
            processing_class=models.tokenizer(),
            callbacks=callbacks,
        )
    )


def _sft(models: Models, arguments: dict[str, Any], callbacks: list[Any]) -> Any:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    def answers(seed: int, count: int) -> Any:
        pairs = preferences(seed, count)
        return Dataset.from_dict({"prompt": pairs["prompt"], "completion": pairs["chosen"]})

    return _run(
        SFTTrainer(
            model=models.policy(),
            args=SFTConfig(**_evaluated(arguments)),
            train_dataset=answers(arguments["seed"], 2 * PAIRS),
            eval_dataset=answers(arguments["seed"] + 1, 64),
            processing_class=models.tokenizer(),
            callbacks=callbacks,
        )
    )


@dataclass(frozen=True)
class Recipe:
    """A trainer, how long it runs and the settings that are drawn from."""

    name: str
    train: Trained
    share: int
    steps: tuple[int, ...]
    settings: dict[str, tuple[Any, ...]]


_OFTEN = (1, 1, 1, 5, 10)
_SCHEDULES = ("linear", "constant", "cosine")
RECIPES = (
    Recipe(
        "grpo",
        _grpo,
        4,
        (140, 200, 300),
        {
            "learning_rate": (3e-4, 5e-4, 8e-4),
            "beta": (0.0, 0.02, 0.04, 0.08),
            "num_generations": (4, 8),
            "logging_steps": _OFTEN,
            "lr_scheduler_type": _SCHEDULES,
        },
    ),
    Recipe(
        "rloo",
        _rloo,
        2,
        (140, 200),
        {"learning_rate": (3e-4, 8e-4), "beta": (0.01, 0.02, 0.05), "logging_steps": _OFTEN, "lr_scheduler_type": _SCHEDULES},
    ),
    Recipe("ppo", train_ppo, 1, (80, 120), {"learning_rate": (3e-4, 6e-4), "kl_coef": (0.05, 0.1)}),
    Recipe("dpo", _dpo, 1, (150, 240), {"learning_rate": (1e-4, 3e-4), "beta": (0.1, 0.3), "logging_steps": _OFTEN}),
    Recipe("kto", _kto, 1, (150, 240), {"learning_rate": (1e-4, 3e-4), "logging_steps": _OFTEN}),
    Recipe("reward", _reward, 1, (200,), {"learning_rate": (1e-3, 2e-3), "logging_steps": _OFTEN}),
    Recipe("sft", _sft, 1, (150, 300), {"learning_rate": (5e-4, 1e-3), "logging_steps": _OFTEN}),
)


def make_healthy(folder: Path, steps: int, seed: int = 7) -> None:
    """Trainings until they have that many steps together; finished ones are kept, so that it can be interrupted."""
    work_alone()
    models = build()
    rng = random.Random(seed)
    made = number = 0
    while made < steps:
        recipe = rng.choice([recipe for recipe in RECIPES for _ in range(recipe.share)])
        length = rng.choice(recipe.steps)
        arguments = {name: rng.choice(values) for name, values in recipe.settings.items()}
        stock = rng.random() < 0.5
        made, number = made + length, number + 1
        run = folder / "runs" / f"{number:03d}-{recipe.name}"
        label = folder / "labels" / f"{run.name}.json"
        if label.exists():
            continue
        shutil.rmtree(run, ignore_errors=True)
        work = (recipe.train, models, run, {**arguments, "seed": 1000 + number}, length, stock)
        child = multiprocessing.get_context("spawn").Process(target=_train, args=work)
        child.start()
        child.join()
        for weights in run.rglob("*.safetensors"):
            weights.unlink()
        if child.exitcode == 0:
            _label(label, run, recipe.name, length)


def _train(train: Trained, models: Models, run: Path, arguments: dict[str, Any], steps: int, stock: bool) -> None:
    work_alone()
    import torch

    from rldk_tui.integrations.trl import RLDKCallback

    torch.set_num_threads(1)
    own = {"report_to": "tensorboard"} if stock else {}
    train(models, {**common_arguments(str(run), steps), **own, **arguments}, [] if stock else [RLDKCallback(run)])


def _label(label: Path, run: Path, algorithm: str, steps: int) -> None:
    label.parent.mkdir(parents=True, exist_ok=True)
    told = {"name": run.name, "algorithm": algorithm, "healthy": went_well(run), "steps": steps, "faults": []}
    label.write_text(json.dumps(told, indent=1))


def went_well(run: Path) -> bool:
    """Whether the metric the training is for ended better than it began, by the mean of its first and last fifth."""
    snapshot = RunSession(run).poll().snapshot
    for name, sign in (("rewards/margins", 1), ("accuracy", 1), ("reward", 1), ("loss", -1)):
        values = snapshot.series(name).values
        if values.size >= 5:
            fifth = max(1, values.size // 5)
            return bool(sign * (values[-fifth:].mean() - values[:fifth].mean()) > 0)
    return False
