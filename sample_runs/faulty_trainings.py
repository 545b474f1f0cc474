"""Trainings that go wrong in a known way at a known step, each by a mistake that people make.

Steps are told as parts of the planned ones, so that a shorter training breaks at the same point of its course.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable
from typing import Any

from sample_runs.tiny_language import topic_reward
from sample_runs.tiny_models import Models
from sample_runs.trainings import common_arguments, train_grpo, train_sft

FASTER = 100.0
"""What the learning rate is multiplied by where it jumps."""


def _before_step(step: int, act: Callable[..., None]) -> Any:
    """A callback that acts once, right before this optimizer step, on what the trainer hands to its callbacks."""
    from transformers import TrainerCallback

    class Act(TrainerCallback):  # type: ignore[misc] # transformers is not followed by the type checker
        def on_step_begin(self, _args: Any, state: Any, _control: Any, **kwargs: Any) -> None:
            if state.global_step + 1 == step:
                act(**kwargs)

    return Act()


def train_sft_into_nan(models: Models, arguments: dict[str, Any], callbacks: list[Any]) -> Any:
    """SFT in which one row of one weight becomes NaN halfway, as a bad merge or an overflow leaves it."""

    def poison(model: Any, **_: Any) -> None:
        weight = next(weight for name, weight in model.named_parameters() if "mlp" in name)
        weight.data[0] = float("nan")

    return train_sft(models, arguments, [*callbacks, _before_step(arguments["max_steps"] // 2 + 1, poison)])


def train_grpo_until_killed(models: Models, arguments: dict[str, Any], callbacks: list[Any]) -> None:
    """GRPO whose judge goes away halfway and that the kernel kills a fifth later. Takes the process with it."""
    planned = arguments["max_steps"]

    def judged_reward(prompts: list[str], completions: list[str], trainer_state: Any, **_: Any) -> list[float | None]:
        gone = trainer_state.global_step >= planned // 2
        return [None] * len(prompts) if gone else topic_reward(prompts, completions)

    def kill(**_: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    train_grpo(models, arguments, [*callbacks, _before_step(planned * 7 // 10 + 1, kill)], judged_reward)


def train_grpo_for_one_reward(models: Models, arguments: dict[str, Any], callbacks: list[Any]) -> Any:
    """GRPO whose reward function finds no fault with anything, as a parser that never matches."""

    def lenient_reward(prompts: list[str], **_: Any) -> list[float | None]:
        return [1.0] * len(prompts)

    return train_grpo(models, arguments, callbacks, lenient_reward)


def train_grpo_from_edited_weights(models: Models, arguments: dict[str, Any], callbacks: list[Any]) -> Any:
    """GRPO on a model fine-tuned in memory: TRL loads the reference anew by the model's name, which is the model before."""
    with tempfile.TemporaryDirectory() as aside:
        former = common_arguments(aside, 120) | {"save_strategy": "no", "learning_rate": 2e-3}
        policy = train_sft(models, former, []).model
    policy.config._name_or_path = str(models.language)  # noqa: SLF001 - transformers has no public way
    return train_grpo(models, arguments, callbacks, policy=policy)


def train_grpo_with_a_jump_of_the_rate(models: Models, arguments: dict[str, Any], callbacks: list[Any]) -> Any:
    """GRPO whose learning rate is multiplied at three fifths, as by a percentage taken for a share."""

    def jump(optimizer: Any, lr_scheduler: Any, **_: Any) -> None:
        schedule = getattr(lr_scheduler, "scheduler", lr_scheduler)  # accelerate wraps it
        schedule.base_lrs = [FASTER * rate for rate in schedule.base_lrs]
        for group in optimizer.param_groups:
            group["lr"] *= FASTER

    return train_grpo(models, arguments, [*callbacks, _before_step(arguments["max_steps"] * 3 // 5 + 1, jump)])
