"""A tiny training of every trainer that the callback must serve, each started and finished by one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rldk_tui.events import Algorithm
from sample_runs.tiny_language import preferences, prompts, topic_reward
from sample_runs.tiny_models import Models
from sample_runs.trainings import train_grpo, train_ppo

Train = Callable[[Models, dict[str, Any], list[Any]], Any]


def _trained(trainer: Any) -> Any:
    trainer.train()
    return trainer


def _rloo(models: Models, arguments: dict[str, Any], callbacks: list[Any]) -> Any:
    from datasets import Dataset
    from trl import RLOOConfig, RLOOTrainer

    small = {"per_device_train_batch_size": 8, "num_generations": 4, "max_completion_length": 8}
    return _trained(
        RLOOTrainer(
            model=models.policy(),
            reward_funcs=topic_reward,
            args=RLOOConfig(**small, **arguments),
            train_dataset=Dataset.from_dict({"prompt": prompts(1, 32)}),
            processing_class=models.tokenizer(),
            callbacks=callbacks,
        )
    )


def grpo(models: Models, arguments: dict[str, Any], callbacks: list[Any]) -> Any:
    small = {"per_device_train_batch_size": 8, "num_generations": 4, "max_completion_length": 8}
    return train_grpo(models, {**small, "log_completions": False, **arguments}, callbacks)


def _online_dpo(models: Models, arguments: dict[str, Any], callbacks: list[Any]) -> Any:
    from datasets import Dataset
    from trl.experimental.online_dpo import OnlineDPOConfig, OnlineDPOTrainer

    small = {"per_device_train_batch_size": 4, "max_new_tokens": 8}
    return _trained(
        OnlineDPOTrainer(
            model=models.policy(),
            reward_funcs=topic_reward,
            args=OnlineDPOConfig(**small, **arguments),
            train_dataset=Dataset.from_dict({"prompt": prompts(1, 32)}),
            processing_class=models.tokenizer(),
            callbacks=callbacks,
        )
    )


def _ppo(models: Models, arguments: dict[str, Any], callbacks: list[Any]) -> Any:
    pytest.importorskip("trl.experimental.ppo", reason="this trl has no PPO")
    return train_ppo(models, {"response_length": 8, **arguments}, callbacks)


def _evaluated(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"per_device_train_batch_size": 4, "eval_strategy": "steps", "eval_steps": 3, **arguments}


def _dpo(models: Models, arguments: dict[str, Any], callbacks: list[Any]) -> Any:
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    return _trained(
        DPOTrainer(
            model=models.policy(),
            args=DPOConfig(**_evaluated(arguments)),
            train_dataset=Dataset.from_dict(preferences(1, 32)),
            eval_dataset=Dataset.from_dict(preferences(2, 8)),
            processing_class=models.tokenizer(),
            callbacks=callbacks,
        )
    )


def _kto(models: Models, arguments: dict[str, Any], callbacks: list[Any]) -> Any:
    from datasets import Dataset
    from trl import KTOConfig, KTOTrainer

    pairs = preferences(1, 16)
    rows = {
        "prompt": pairs["prompt"] * 2,
        "completion": pairs["chosen"] + pairs["rejected"],
        "label": [True] * 16 + [False] * 16,
    }
    return _trained(
        KTOTrainer(
            model=models.policy(),
            args=KTOConfig(per_device_train_batch_size=4, **arguments),
            train_dataset=Dataset.from_dict(rows).shuffle(seed=1),
            processing_class=models.tokenizer(),
            callbacks=callbacks,
        )
    )


def _reward(models: Models, arguments: dict[str, Any], callbacks: list[Any]) -> Any:
    from datasets import Dataset
    from trl import RewardConfig, RewardTrainer

    return _trained(
        RewardTrainer(
            model=models.scorer(),
            args=RewardConfig(**_evaluated(arguments)),
            train_dataset=Dataset.from_dict(preferences(1, 32)),
            eval_dataset=Dataset.from_dict(preferences(2, 8)),
            processing_class=models.tokenizer(),
            callbacks=callbacks,
        )
    )


def _sft(models: Models, arguments: dict[str, Any], callbacks: list[Any]) -> Any:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    pairs = preferences(1, 32)
    return _trained(
        SFTTrainer(
            model=models.policy(),
            args=SFTConfig(**_evaluated(arguments)),
            train_dataset=Dataset.from_dict({"prompt": pairs["prompt"], "completion": pairs["chosen"]}),
            eval_dataset=Dataset.from_dict({"prompt": pairs["prompt"][:8], "completion": pairs["chosen"][:8]}),
            processing_class=models.tokenizer(),
            callbacks=callbacks,
        )
    )


TRAINERS: dict[Algorithm, Train] = {
    Algorithm.GRPO: grpo,
    Algorithm.RLOO: _rloo,
    Algorithm.PPO: _ppo,
    Algorithm.ONLINE_DPO: _online_dpo,
    Algorithm.DPO: _dpo,
    Algorithm.KTO: _kto,
    Algorithm.REWARD: _reward,
    Algorithm.SFT: _sft,
}
