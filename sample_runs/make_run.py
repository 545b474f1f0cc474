"""Makes a bundled run anew: a real TRL training of a tiny model, pruned to what a monitor reads.

Run from the project's root, with `rldk_tui` and its `[trl]` extra installed (PPO needs trl <= 1.12)::

    python -m sample_runs.make_run grpo-healthy

The training works in the folder that holds the run, so that no path of this machine gets into it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import shutil
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sample_runs.faulty_trainings import (
    train_grpo_for_one_reward,
    train_grpo_from_edited_weights,
    train_grpo_until_killed,
    train_grpo_with_a_jump_of_the_rate,
    train_sft_into_nan,
)
from sample_runs.tiny_models import Models, build, work_alone
from sample_runs.trainings import common_arguments, train_grpo, train_ppo_with_stale_rollouts

_HERE = Path(__file__).resolve().parent
_WEIGHTS = ("*.safetensors", "*.bin", "*.pt", "*.pth", "reference-*.npz")
_NOT_FOR_A_MONITOR = (*_WEIGHTS, "*.lock", "tokenizer*", "chat_template*", "generation_config.json")


@dataclass(frozen=True)
class Recipe:
    """How a run is made, and the arguments that differ from the usual ones.

    Attributes:
        killed: The training ends by SIGKILL and takes its process with it.
    """

    train: Callable[[Models, dict[str, Any], list[Any]], Any]
    steps: int
    arguments: dict[str, Any] = field(default_factory=dict)
    with_callback: bool = True
    killed: bool = False


RECIPES = {
    "grpo-healthy": Recipe(train_grpo, 120),
    "grpo-collapsed": Recipe(train_grpo, 120, {"learning_rate": 1e-2, "beta": 0.001, "lr_scheduler_type": "constant"}),
    "ppo-negative-kl": Recipe(train_ppo_with_stale_rollouts, 100, {"learning_rate": 1e-3}),
    "grpo-stock": Recipe(train_grpo, 40, {"report_to": "tensorboard"}, with_callback=False),
    "sft-nan-weights": Recipe(train_sft_into_nan, 30),
    "grpo-killed": Recipe(train_grpo_until_killed, 50, killed=True),
    "grpo-constant-reward": Recipe(train_grpo_for_one_reward, 30, {"beta": 0.0}),
    "grpo-wrong-reference": Recipe(train_grpo_from_edited_weights, 30),
    "grpo-reward-collapse": Recipe(train_grpo_with_a_jump_of_the_rate, 54, {"lr_scheduler_type": "constant"}),
}
_ELSEWHERE = "elsewhere.invalid"
"""The host in a bundled log: a name that no machine has, so that nobody's processes are taken for the run's."""


def prune(run: Path) -> None:
    """Leave what a monitor reads: no weights, no pickles, the completions of every tenth step, no host, no history twice."""
    for pattern in _NOT_FOR_A_MONITOR:
        for file in run.rglob(pattern):
            file.unlink()
    for file in run.glob("completions/completions_*.parquet"):
        if int(file.stem.removeprefix("completions_")) % 10:
            file.unlink()
    for file in run.glob("rldk/*.jsonl"):
        host = f'"host":{json.dumps(socket.gethostname())}'
        file.write_text(file.read_text().replace(host, f'"host":{json.dumps(_ELSEWHERE)}'))
    if (run / "trainer_state.json").exists():
        for file in run.glob("checkpoint-*/trainer_state.json"):
            file.write_text(json.dumps(json.loads(file.read_text()) | {"log_history": []}, indent=2))


def _train(recipe: Recipe, models: Models, into: Path) -> None:
    from rldk_tui.integrations.trl import RLDKCallback

    # An analysis of checkpoints goes on beside and after the training, and would write into a run that is being pruned.
    callbacks = [RLDKCallback(checkpoint_analysis=False)] if recipe.with_callback else []
    with contextlib.chdir(into.parent):
        recipe.train(models, common_arguments(into.name, recipe.steps) | recipe.arguments, callbacks)


def _train_to_the_death(recipe: Recipe, models: Models, into: Path) -> None:
    """In a process of its own, for that will not come back."""
    process = multiprocessing.get_context("spawn").Process(target=_train, args=(recipe, models, into))
    process.start()
    process.join()
    if process.exitcode != -signal.SIGKILL:
        raise RuntimeError(f"the training was to be killed and ended with {process.exitcode}")


def make(name: str, into: Path) -> None:
    """Train the named run in the folder `into`, replacing what was recorded there before."""
    recipe, models = RECIPES[name], build()
    for old in ("rldk", "runs", "completions", *(path.name for path in into.glob("checkpoint-*"))):
        shutil.rmtree(into / old, ignore_errors=True)
    into.mkdir(parents=True, exist_ok=True)
    (_train_to_the_death if recipe.killed else _train)(recipe, models, into)
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
