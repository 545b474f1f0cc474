"""`rldk train`: a training from a description, built, watched, judged and reported."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rldk_tui.cli.output import say
from rldk_tui.errors import UserError

if TYPE_CHECKING:
    from rldk_tui.integrations.trl.managed.result import TrainingResult


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Offer it."""
    train = verbs.add_parser("train", help="train what a TOML file describes, with everything watched (needs the extra [trl])")
    train.add_argument("config", metavar="CONFIG.toml", type=Path, help="what to train; docs/trl.md explains it")
    train.add_argument("--steps", metavar="N", type=int, help="optimizer steps, instead of the file's num_steps")
    train.add_argument("--no-checkpoints", action="store_true", help="save nothing")
    train.set_defaults(verb=_train)


def _train(arguments: argparse.Namespace) -> int:
    from rldk_tui.integrations.trl.managed.configuration import TRLIntegrationConfig

    config = TRLIntegrationConfig.from_toml(arguments.config)
    try:
        from rldk_tui.integrations.trl.managed.manager import TRLIntegrationManager
    except ImportError as failure:
        raise UserError(f"Training needs trl, torch and transformers: {failure}.", "pip install 'rldk-tui[trl]'") from None
    result = TRLIntegrationManager(config).train_with_monitoring(arguments.steps, not arguments.no_checkpoints)
    say(told(result))
    return int(any(finding.severity == "critical" for finding in result.findings))


def told(result: TrainingResult) -> str:
    """How it went, in a few lines."""
    score = f" {result.score:.2f}" if result.score is not None else ""
    lines = [f"{result.run_directory}  {result.state} after {result.steps} steps, {result.grade}{score}"]
    lines += [f"  {finding.severity.upper():<9} {finding.rule}: {finding.summary}" for finding in result.findings]
    if result.problem:
        lines.append(f"  {result.problem}")
    if result.report:
        lines.append(str(result.report))
    return "\n".join(lines)
