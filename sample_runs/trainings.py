"""Real TRL trainings of the tiny models, as the sample runs, the demo and the tests make them."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sample_runs.tiny_language import preferences, prompts, topic_reward
from sample_runs.tiny_models import Models


def common_arguments(output_dir: str, steps: int) -> dict[str, Any]:
    """What every training here shares."""
    return {
        "output_dir": output_dir,
        "max_steps": steps,
        "logging_steps": 1,
        "save_steps": steps // 2,
        "report_to": "none",
        "use_cpu": True,
        "bf16": False,
        "gradient_checkpointing": False,
        "disable_tqdm": True,
        "seed": 7,
    }


def _name(model: Any) -> None:
    """Call the model by a name instead of the folder it was loaded from."""
    model.config._name_or_path = "tiny-language"  # noqa: SLF001 - transformers has no public way


def train_grpo(
    models: Models,
    arguments: dict[str, Any],
    callbacks: list[Any],
    reward: Callable[..., Any] = topic_reward,
    policy: Any = None,
) -> Any:
    """A finished GRPO training of the language model or `policy`, by default rewarded by the share of words on topic."""
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    recipe = {
        "per_device_train_batch_size": 24,
        "num_generations": 8,
        "max_completion_length": 40,
        "beta": 0.04,
        "learning_rate": 8e-4,
        "log_completions": True,
        "num_completions_to_print": 0,
    }
    trainer = GRPOTrainer(
        model=policy or models.policy(),
        reward_funcs=reward,
        args=GRPOConfig(**{**recipe, **arguments}),
        train_dataset=Dataset.from_dict({"prompt": prompts(arguments["seed"])}),
        processing_class=models.tokenizer(),
        callbacks=callbacks,
    )
    _name(trainer.model)
    trainer.train()
    trainer.save_state()
    return trainer


def train_sft(models: Models, arguments: dict[str, Any], callbacks: list[Any]) -> Any:
    """A finished supervised fine-tuning on answers that mostly stay on topic."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    pairs = preferences(arguments["seed"])
    trainer = SFTTrainer(
        model=models.policy(),
        args=SFTConfig(**{"per_device_train_batch_size": 16, "learning_rate": 1e-3, **arguments}),
        train_dataset=Dataset.from_dict({"prompt": pairs["prompt"], "completion": pairs["chosen"]}),
        processing_class=models.tokenizer(),
        callbacks=callbacks,
    )
    _name(trainer.model)
    trainer.train()
    trainer.save_state()
    return trainer


def train_ppo(models: Models, arguments: dict[str, Any], callbacks: list[Any]) -> Any:
    """A finished PPO training, scored by the reward model."""
    from datasets import Dataset
    from trl.experimental.ppo import PPOConfig, PPOTrainer

    recipe = {
        "per_device_train_batch_size": 16,
        "gradient_accumulation_steps": 1,
        "num_mini_batches": 1,
        "num_ppo_epochs": 2,
        "total_episodes": 16 * arguments["max_steps"],
        "response_length": 20,
        "local_rollout_forward_batch_size": 16,
        "num_sample_generations": 0,
        "stop_token": "eos",
        "missing_eos_penalty": 1.0,
        "kl_coef": 0.05,
        "temperature": 1.0,
        "learning_rate": 6e-4,
    }
    tokenizer = models.tokenizer()
    asked = Dataset.from_dict({"input_ids": [tokenizer(text)["input_ids"] for text in prompts(arguments["seed"])]})
    policy = models.policy()
    trainer = PPOTrainer(
        args=PPOConfig(**{**recipe, **arguments}),
        processing_class=tokenizer,
        model=policy,
        ref_model=models.policy(),
        reward_model=models.scorer(),
        value_model=models.scorer(),
        train_dataset=asked,
        eval_dataset=asked.select(range(16)),
        callbacks=callbacks,
    )
    _name(policy)
    trainer.train()
    trainer.state.save_to_json(Path(trainer.args.output_dir, "trainer_state.json"))
    return trainer


def train_ppo_with_stale_rollouts(models: Models, arguments: dict[str, Any], callbacks: list[Any]) -> Any:
    """PPO whose generation engine never receives the new weights, as when a vLLM server is not synchronised.

    Replies come from the first policy and their log-probabilities from the current one, so that `objective/kl`
    estimates minus the divergence and sinks as the policy moves away.
    """
    with _stale_rollouts():
        return train_ppo(models, arguments, callbacks)


@contextlib.contextmanager
def _stale_rollouts() -> Iterator[None]:
    import torch
    from trl.experimental.ppo import ppo_trainer

    generate = ppo_trainer.batch_generation
    first_policy: list[Any] = []

    def generate_with_first_policy(model: Any, queries: Any, batch: int, pad: int, config: Any) -> Any:
        if not first_policy:
            first_policy.append(copy.deepcopy(model).eval())
        replies, _ = generate(first_policy[0], queries, batch, pad, config)
        with torch.no_grad():
            logits = ppo_trainer.forward(model, replies, pad).logits[:, queries.shape[1] - 1 : -1]
        return replies, logits

    ppo_trainer.batch_generation = generate_with_first_policy
    try:
        yield
    finally:
        ppo_trainer.batch_generation = generate
