"""`rldk-tui RUN`: the monitor, or one page of it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rldk_tui import __version__
from rldk_tui.cli.output import say
from rldk_tui.errors import UserError


def options() -> argparse.ArgumentParser:
    """What the command takes."""
    parser = argparse.ArgumentParser(
        prog="rldk-tui",
        description="Watch a training run live: is it alive, is it learning, is something wrong, and what to change.",
        epilog="Other verbs: rldk check, rldk report, rldk rules, rldk explain.",
    )
    parser.add_argument("run", type=Path, help="a run directory, a link to one, or a folder of runs (then its newest)")
    parser.add_argument("--once", action="store_true", help="print one page of text and exit (what happens without a terminal)")
    parser.add_argument(
        "--json", action="store_true", help="with --once: the object of `rldk check --json` and every metric's latest value"
    )
    parser.add_argument("--replay", metavar="N", type=_speed, help="play a finished run N times as fast as it was (20 or 20x)")
    parser.add_argument("--interval", metavar="SECONDS", type=positive, default=1.0, help="seconds between looks (1)")
    parser.add_argument("--ascii", action="store_true", default=None, help="draw with plain characters")
    parser.add_argument("--version", action="version", version=f"rldk-tui {__version__}")
    parser.set_defaults(verb=_monitor)
    return parser


def _speed(text: str) -> float:
    return positive(text.removesuffix("x"))


def positive(text: str) -> float:
    """The type of an argument that is a number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return value


def _monitor(arguments: argparse.Namespace) -> int:
    if arguments.json and not arguments.once:
        raise UserError("--json goes with --once.", "rldk-tui RUN --once --json")
    if arguments.once or not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout)):
        return _once(arguments)
    from rldk_tui.tui.app import run_monitor
    from rldk_tui.tui.feed import opening

    run_monitor(
        opening(arguments.run, arguments.replay),
        title=str(arguments.run),
        interval=arguments.interval,
        ascii=arguments.ascii,
    )
    return 0


def _once(arguments: argparse.Namespace) -> int:
    from rldk_tui.session import RunSession

    health = RunSession.open(arguments.run).poll()
    if arguments.json:
        from rldk_tui.summary import once_object, to_json

        say(to_json(once_object(health)))
        return 0
    from rldk_tui.tui.once import page_once

    say(page_once(health, ascii=arguments.ascii).rstrip("\n"))
    return 0
