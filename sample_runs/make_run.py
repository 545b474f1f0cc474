"""Makes a bundled run anew: a real TRL training of a tiny model, pruned to what a monitor reads.

Run from the project's root, with `rldk_tui` and its `[trl]` extra installed (PPO needs trl <= 1.12)::

    python -m sample_runs.make_run grpo-healthy

The training works in the folder that holds the run, so that no path of this machine gets into it.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from pathlib import Path
from typing import Any

from sample_runs.tiny_language import Models, build, prompts, topic_reward, work_alone

_HERE = Path(__file__).resolve().parent
_NOT_FOR_A_MONITOR = ("*.safetensors", "*.bin", "*.pt", "*.pth", "tokenizer*", "chat_template*", "generation_config.json")


@dataclass(frozen=True)
class Recipe:
    """How a run is made, and the arguments that differ from the usual ones."""

    train: Callable[[Models, dict[str, Any], list[Any]], Any]
    steps: int
    arguments: Mapping[str, Any] = MappingProxyType({})
    with_callback: bool = True


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
    models: Models, arguments: dict[str, Any], callbacks: list[Any], reward: Callable[..., Any] = topic_reward
) -> Any:
    """A finished GRPO training, by default rewarded by the share of words on topic."""
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
        model=models.policy(),
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


RECIPES = {
    "grpo-healthy": Recipe(train_grpo, 120),
    "grpo-collapsed": Recipe(train_grpo, 120, {"learning_rate": 1e-2, "beta": 0.001, "lr_scheduler_type": "constant"}),
    "ppo-negative-kl": Recipe(train_ppo_with_stale_rollouts, 100, {"learning_rate": 1e-3}),
    "grpo-stock": Recipe(train_grpo, 40, {"report_to": "tensorboard"}, with_callback=False),
}


def prune(run: Path) -> None:
    """Leave what a monitor reads: no weights, no pickles, the completions of every tenth step."""
    for pattern in _NOT_FOR_A_MONITOR:
        for file in run.rglob(pattern):
            file.unlink()
    for file in run.glob("completions/completions_*.parquet"):
        if int(file.stem.removeprefix("completions_")) % 10:
            file.unlink()


def make(name: str, into: Path) -> None:
    """Train the named run in the folder `into`, replacing what was recorded there before."""
    from rldk_tui.integrations.trl import RLDKCallback

    recipe, models = RECIPES[name], build()
    for old in ("rldk", "runs", "completions", *(path.name for path in into.glob("checkpoint-*"))):
        shutil.rmtree(into / old, ignore_errors=True)
    into.mkdir(parents=True, exist_ok=True)
    callbacks = [RLDKCallback()] if recipe.with_callback else []
    with contextlib.chdir(into.parent):
        recipe.train(models, common_arguments(into.name, recipe.steps) | {**recipe.arguments}, callbacks)
    prune(into)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Make a bundled run anew with TRL.")
    parser.add_argument("run", choices=sorted(RECIPES))
    parser.add_argument("--into", type=Path, help="another folder than the bundled one")
    chosen = parser.parse_args()
    work_alone()
    make(chosen.run, (chosen.into or _HERE / chosen.run).resolve())


if __name__ == "__main__":
    main()
