"""The two commands: `rldk-tui` (the monitor) and `rldk` (everything else).

A module here is a group of verbs; each imports its face inside its function, so that `--help` costs nothing. This is the
only place that prints errors and decides exit codes: 0 fine, 1 a finding at or above the threshold, 2 the question could not
be answered.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from rldk_tui import __version__
from rldk_tui.cli import checkpoints, compare, doctor, export, generations, live, run, schema
from rldk_tui.cli import rules as rules_verbs
from rldk_tui.cli import runs as runs_verb
from rldk_tui.cli import stop as stop_verb
from rldk_tui.cli import train as train_verb
from rldk_tui.cli import watch as watch_verb
from rldk_tui.cli.output import complain
from rldk_tui.errors import RldkError, UserError

_GROUPS = (
    run,
    compare,
    runs_verb,
    watch_verb,
    stop_verb,
    train_verb,
    rules_verbs,
    checkpoints,
    generations,
    export,
    doctor,
    schema,
)


def main(argv: Sequence[str] | None = None) -> int:
    """The command `rldk`; returns its exit code."""
    return _run(_verbs(), argv)


def monitor(argv: Sequence[str] | None = None) -> int:
    """The command `rldk-tui`; returns its exit code."""
    return _run(live.options(), argv)


def _verbs() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rldk", description="Judge and report RL fine-tuning runs from their logs.")
    parser.add_argument("--version", action="version", version=f"rldk-tui {__version__}")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    for group in _GROUPS:
        group.add_to(verbs)
    return parser


def _run(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> int:
    arguments = parser.parse_args(argv)
    verb: Callable[[argparse.Namespace], int] = arguments.verb
    try:
        return verb(arguments)
    except UserError as failure:
        hint = f"\n  {failure.hint}" if failure.hint else ""
        complain(f"{parser.prog}: {failure.message}{hint}")
        return failure.exit_code
    except (RldkError, OSError) as failure:
        complain(f"{parser.prog}: {failure}")
        return 2
    except KeyboardInterrupt:
        return 130
