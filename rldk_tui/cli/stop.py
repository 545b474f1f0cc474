"""`rldk stop`: ask a training to save a checkpoint and to stop."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rldk_tui.cli.output import say
from rldk_tui.cli.run import RUN
from rldk_tui.errors import UserError


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Offer it."""
    stop = verbs.add_parser("stop", help="ask a training with RLDKCallback to save a checkpoint and to stop")
    stop.add_argument("run", type=Path, help=RUN)
    stop.add_argument("--yes", action="store_true", help="do not ask whether it is meant")
    stop.add_argument("--reason", default="", help="for the record: it becomes the reason of the run's end")
    stop.set_defaults(verb=_stop)


def _stop(arguments: argparse.Namespace) -> int:
    from rldk_tui.events import Algorithm, RunState
    from rldk_tui.events.stop_request import request_stop
    from rldk_tui.session import RunSession

    health = RunSession.open(arguments.run).poll()
    run, seen = health.directory, health.snapshot
    if seen.state in (RunState.FINISHED, RunState.DIED):
        raise UserError(f"{run} is not training any more: it {seen.state.value}.", "There is nothing to stop.")
    if not any(origin.source.startswith("rldk/") for origin in health.sources):
        raise UserError(
            f"{run} is not trained with RLDKCallback, so nobody would read the request.", "Send its process SIGINT."
        )
    if not (arguments.yes or _is_meant(run)):
        return 1
    request_stop(run, arguments.reason)
    say(f"Asked {run} to save a checkpoint and to stop. It does so at the end of a step.")
    if seen.info.algorithm is Algorithm.PPO:
        say("PPO's trainer saves the checkpoint and ignores the rest: end its process when the checkpoint is there.")
    return 0


def _is_meant(run: Path) -> bool:
    """Whether the person at the terminal says so.

    Raises:
        UserError: if there is nobody to ask.
    """
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout)):
        raise UserError("Nobody is there to be asked whether it is meant.", "Add --yes.")
    say(f"Have the training of {run} save a checkpoint and stop? [y/N]")
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
