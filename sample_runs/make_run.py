"""Makes a bundled run anew: a real TRL training of a tiny model, pruned to what a monitor reads.

Run from the project's root, with `rldk_tui` and its `[trl]` extra installed (PPO needs trl <= 1.12)::

    python -m sample_runs.make_run grpo-healthy

The training works in the folder that holds the run, so that no path of this machine gets into it.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sample_runs.tiny_models import Models, build, work_alone
from sample_runs.trainings import common_arguments, train_grpo, train_ppo_with_stale_rollouts

_HERE = Path(__file__).resolve().parent
_NOT_FOR_A_MONITOR = ("*.safetensors", "*.bin", "*.pt", "*.pth", "tokenizer*", "chat_template*", "generation_config.json")


@dataclass(frozen=True)
class Recipe:
    """How a run is made, and the arguments that differ from the usual ones."""

    train: Callable[[Models, dict[str, Any], list[Any]], Any]
    steps: int
    arguments: dict[str, Any] = field(default_factory=dict)
    with_callback: bool = True


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
        recipe.train(models, common_arguments(into.name, recipe.steps) | recipe.arguments, callbacks)
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
