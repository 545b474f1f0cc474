"""`rldk watch`: a run's findings as they come, one a line, without a screen."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from rldk_tui.cli.live import positive
from rldk_tui.cli.output import complain, say
from rldk_tui.cli.run import RUN, SEVERITIES

if TYPE_CHECKING:
    from rldk_tui.watch.feed import Feed
    from rldk_tui.watch.notify import Notifier
    from rldk_tui.watch.wait import Wait

_SIGNALLED = 128
"""A shell's exit code of a process that a signal ended, less the signal."""


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Offer it."""
    watch = verbs.add_parser("watch", help="one line for each finding opened, escalated or closed, as it happens")
    watch.add_argument("run", type=Path, help=f"{RUN}; it may come later")
    watch.add_argument("--json", action="store_true", help="one JSON object a line (rldk schema watch)")
    watch.add_argument("--severity", choices=SEVERITIES, default="info", help="tell findings from this one on (info)")
    watch.add_argument("--notify", metavar="CMD", help="run this in a shell for each line: the object on stdin, RLDK_* set")
    watch.add_argument("--interval", metavar="SECONDS", type=positive, default=2.0, help="seconds between looks (2)")
    watch.add_argument("--fail-on", choices=SEVERITIES, default="critical", help="exit 1 at or above this severity (critical)")
    end = watch.add_mutually_exclusive_group()
    end.add_argument(
        "--until-end", action="store_false", dest="follow", help="end when the run finished, died or cannot tell (default)"
    )
    end.add_argument("--follow", action="store_true", help="go on after that: it may be resumed")
    watch.add_argument("--while", metavar="PID", type=int, dest="beside", help="end when this process has ended")
    watch.add_argument("--until-eof", action="store_true", help="end when standard input is closed")
    watch.add_argument("--nice", metavar="N", type=int, default=0, help="run at this lower priority (0 to 19)")
    watch.set_defaults(verb=_watch, follow=False)


def _watch(arguments: argparse.Namespace) -> int:
    from rldk_tui.events import Severity
    from rldk_tui.watch.feed import Feed
    from rldk_tui.watch.notify import Notifier
    from rldk_tui.watch.wait import Wait

    if arguments.nice > 0:
        os.nice(arguments.nice)
    feed = Feed(arguments.run, Severity(arguments.severity))
    notifier = Notifier(arguments.notify, str(arguments.run.absolute()), complain) if arguments.notify else None
    with Wait(until_eof=arguments.until_eof, beside=arguments.beside) as wait:
        try:
            _until_over(feed, wait, notifier, arguments)
        finally:
            if notifier is not None:
                notifier.close()
    if wait.signal is not None:
        return _SIGNALLED + wait.signal
    return int(feed.worst() >= Severity(arguments.fail_on).rank)


def _until_over(feed: Feed, wait: Wait, notifier: Notifier | None, arguments: argparse.Namespace) -> None:
    """Look until the run is over twice, for its last lines may come after the one that says so; then once more if asked.

    A run that cannot tell its end is over too, unless something else was named that ends the watch.
    """
    elsewhere = arguments.follow or arguments.until_eof or arguments.beside is not None
    was_over = True
    while True:
        last_look = wait.over
        heard = _tell(feed, notifier, as_json=arguments.json)
        if feed.untold and not elsewhere:
            complain(
                f"rldk watch: nothing in {arguments.run} tells whether it still trains, so the watch ends; --follow goes on."
            )
            return
        if last_look or not heard or (feed.over and was_over and not arguments.follow):
            return
        was_over = feed.over
        wait.seconds(arguments.interval)


def _tell(feed: Feed, notifier: Notifier | None, *, as_json: bool) -> bool:
    """Look once and tell what is new; whether anybody listens still."""
    from rldk_tui.watch.lines import as_json_line, as_text_line

    heard = True
    changes = feed.look()
    for change in changes:
        moment = feed.moment()
        heard = say((as_json_line if as_json else as_text_line)(change, moment)) and heard
        if notifier is not None:
            notifier.send(change, moment)
    return heard
