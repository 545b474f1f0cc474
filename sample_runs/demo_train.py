"""Trains a tiny real model with TRL and RLDK's callback, to be watched while it runs.

python -m sample_runs.demo_train runs/demo --steps 200
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sample_runs.make_run import common_arguments, train_grpo
from sample_runs.tiny_language import build, topic_reward, work_alone


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train a tiny GRPO run for the live monitor.")
    parser.add_argument("run", type=Path, help="the run directory to write")
    parser.add_argument("--steps", type=int, default=200, help="optimizer steps (default: 200)")
    parser.add_argument("--pause", type=float, default=0.2, help="seconds to wait at each step (default: 0.2)")
    chosen = parser.parse_args()
    work_alone()
    from rldk_tui.integrations.trl import RLDKCallback

    train_grpo(build(), common_arguments(str(chosen.run), chosen.steps), [RLDKCallback()])


if __name__ == "__main__":
    main()
