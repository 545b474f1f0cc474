"""`rldk-tui RUN`: the monitor, or one page of it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rldk_tui import __version__
from rldk_tui.cli.output import say
from rldk_tui.errors import UserError

if TYPE_CHECKING:
    from rldk_tui.events import Finding
    from rldk_tui.run import RunSnapshot
    from rldk_tui.session import RunHealth
    from rldk_tui.tui.options import MonitorOptions


def options() -> argparse.ArgumentParser:
    """What the command takes."""
    parser = argparse.ArgumentParser(
        prog="rldk-tui",
        description="Watch a training run live: is it alive, is it learning, is something wrong, and what to change.",
        epilog="Other verbs: rldk check, rldk report, rldk rules, rldk explain.",
    )
    parser.add_argument("run", type=Path, help="a run directory, a link to one, or a folder of runs (then a list of them)")
    parser.add_argument("--newest", action="store_true", help="of a folder of runs, open the newest at once")
    parser.add_argument("--baseline", metavar="RUN", type=Path, help="another run, drawn beside this one in every chart")
    parser.add_argument("--replay", metavar="N", type=_speed, help="play a finished run N times as fast as it was (20 or 20x)")
    once = parser.add_argument_group("without a screen")
    once.add_argument("--once", action="store_true", help="print one page of text and exit (what happens without a terminal)")
    once.add_argument(
        "--json", action="store_true", help="with --once: the object of `rldk check --json` and every metric's latest value"
    )
    once.add_argument(
        "--serve", action="store_true", help="show the monitor in a browser on this machine (needs rldk-tui[serve])"
    )
    once.add_argument("--port", metavar="N", type=_port, default=8000, help="with --serve: the port on 127.0.0.1 (8000)")
    told = parser.add_argument_group("when something critical is found")
    told.add_argument("--bell", action="store_true", help="ring the terminal's bell")
    told.add_argument("--notify", metavar="CMD", help="run this in a shell, the finding as JSON on its standard input")
    look = parser.add_argument_group("terminal")
    look.add_argument("--interval", metavar="SECONDS", type=positive, default=1.0, help="seconds between looks (1)")
    look.add_argument("--fps", metavar="N", type=positive, help="frames a second at most (60)")
    look.add_argument(
        "--ascii",
        action=argparse.BooleanOptionalAction,
        help="draw with plain characters (as it is where the terminal has no others)",
    )
    look.add_argument("--no-mouse", action="store_false", dest="mouse", help="leave the mouse to the terminal, to select text")
    look.add_argument("--forget", action="store_true", help="neither use nor keep panel, mutes and colours of this run")
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


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else 0
    if not 0 < port < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port")
    return port


def _monitor(arguments: argparse.Namespace) -> int:
    if arguments.json and not arguments.once:
        raise UserError("--json goes with --once.", "rldk-tui RUN --once --json")
    if arguments.serve:
        return _serve(arguments)
    if arguments.once or not _on_a_screen():
        return _once(arguments)
    if arguments.fps is not None:
        os.environ["TEXTUAL_FPS"] = str(max(1, round(arguments.fps)))  # read when Textual is imported
    from rldk_tui.tui.opening import watch

    watch(arguments.run, _options(arguments), replay=arguments.replay, newest=arguments.newest, ascii=arguments.ascii)
    return 0


def _on_a_screen() -> bool:
    """Whether there is a terminal, or a browser behind the driver that textual-serve names."""
    streams = (sys.stdin, sys.stdout)
    return "TEXTUAL_DRIVER" in os.environ or all(stream is not None and stream.isatty() for stream in streams)


def _options(arguments: argparse.Namespace) -> MonitorOptions:
    from rldk_tui.tui.options import MonitorOptions
    from rldk_tui.tui.terminal import mouse_costs_escape

    return MonitorOptions(
        interval=arguments.interval,
        mouse=arguments.mouse and not mouse_costs_escape(),
        bell=arguments.bell,
        tell=_teller(arguments.notify) if arguments.notify else None,
        baseline=None if arguments.baseline is None else partial(_baseline, arguments.baseline),
        remember=not arguments.forget,
        machine=arguments.replay is None,
    )


def _baseline(path: Path) -> RunSnapshot:
    from rldk_tui.session import RunSession

    return RunSession.open(path).poll().snapshot


def _teller(command: str) -> Callable[[Finding, RunHealth], None]:
    """Runs the command for a finding, as `rldk watch --notify` does."""
    from rldk_tui.events import FindingChange
    from rldk_tui.watch.changes import FindingChanged
    from rldk_tui.watch.lines import Moment
    from rldk_tui.watch.notify import Notifier

    kept: list[Notifier] = []

    def tell(finding: Finding, health: RunHealth) -> None:
        seen = health.snapshot
        if not kept:
            kept.append(Notifier(command, str(health.directory.absolute()), lambda _: None))
        change = FindingChanged(finding, FindingChange.OPENED)
        kept[0].send(change, Moment(seen.taken_at, seen.name, seen.state, seen.step))

    return tell


def _serve(arguments: argparse.Namespace) -> int:
    from rldk_tui.tui.serving import serve

    own = [str(arguments.run.absolute()), "--interval", str(arguments.interval)]
    for name, value in (("--baseline", arguments.baseline), ("--replay", arguments.replay)):
        own += [] if value is None else [name, str(value)]
    serve(own, arguments.port, say)
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
