"""Trains a tiny real model with TRL and RLDK's callback, to be watched while it runs.

python -m sample_runs.demo_train runs/demo --steps 200
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sample_runs import tiny_language
from sample_runs.tiny_models import build, work_alone
from sample_runs.trainings import common_arguments, train_grpo


def unhurried(seconds: float) -> Callable[..., list[float | None]]:
    """The topic reward, given after a while: a step of so small a model is over before an eye has seen it."""

    def topic_reward(prompts: list[str], completions: list[str], **others: Any) -> list[float | None]:
        time.sleep(seconds)
        return tiny_language.topic_reward(prompts, completions, **others)

    return topic_reward


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train a tiny GRPO run for the live monitor.")
    parser.add_argument("run", type=Path, help="the run directory to write")
    parser.add_argument("--steps", type=int, default=200, help="optimizer steps (default: 200)")
    parser.add_argument("--pause", type=float, default=0.2, help="seconds to wait at each step (default: 0.2)")
    chosen = parser.parse_args()
    work_alone()
    from rldk_tui.integrations.trl import RLDKCallback

    train_grpo(
        build(),
        common_arguments(str(chosen.run), chosen.steps),
        [RLDKCallback()],
        unhurried(chosen.pause),
    )


if __name__ == "__main__":
    main()
