"""Looks at the run in a thread of its own, so that reading and judging never hold up the screen.

The thread touches no widget: it posts messages. Everything heavy (readers, rules, polars) is imported in it, after the
first frame is drawn.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias

from textual.message import Message

from rldk_tui.errors import UserError
from rldk_tui.tui.messages import FeedFailed, HealthUpdated, Repointed, Waiting
from rldk_tui.tui.options import MonitorOptions

if TYPE_CHECKING:
    from rldk_tui.session import RunHealth

_OVER = ("finished", "died")
_OVER_INTERVAL = 5.0

Poll: TypeAlias = "Callable[[], RunHealth | None]"
"""One look at the run; None while there is none."""


class FolderOfRunsError(UserError):
    """What was to be watched is no run but a folder of several."""


def opening(path: Path, *, newest: bool = True) -> Poll:
    """A look that opens the run as soon as it is there, and another one when a link at the path leads elsewhere.

    Args:
        path: A run directory, a link to one, or a folder of runs.
        newest: Whether the newest run of a folder of runs is meant; else such a folder ends the feed.
    """
    opened: list[tuple[Path, Poll]] = []

    def poll() -> RunHealth | None:
        target = path.resolve()
        if not opened or (opened[-1][0] != target and path.exists()):
            found = _opened(path, newest=newest)
            if found is not None:
                opened[:] = [(target, found)]
        return opened[-1][1]() if opened else None

    return poll


def _opened(path: Path, *, newest: bool) -> Poll | None:
    from rldk_tui.ingest.locate import NoLogError, is_run, runs_below

    if not path.exists():
        return None
    if not newest and path.is_dir() and not is_run(path) and next(runs_below(path), None) is not None:
        raise FolderOfRunsError(f"{path} is a folder of runs.")
    try:
        from rldk_tui.session import RunSession

        return partial(RunSession.open(path.resolve() if path.is_symlink() else path).poll, whole=False)
    except NoLogError:
        return None


class Feed:
    """Polls until it is stopped. Start it once; `first` is called in its thread before anything is looked at."""

    def __init__(
        self,
        poll: Poll,
        post: Callable[[Message], object],
        options: MonitorOptions,
        *,
        first: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._poll = poll
        self._post = post
        self._options = options
        self._first = first
        self._clock = clock
        self._paused = False
        self._stopped = False
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rldk-feed", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End after the look in progress; a long first read is not waited for."""
        self._stopped = True
        self._woken.set()

    def pause(self, *, paused: bool) -> None:
        """Hold, or go on with a look at once; a replay's clock stands still meanwhile."""
        self._paused = paused
        if self._options.pause is not None:
            self._options.pause(paused)
        self._woken.set()

    def look(self) -> None:
        """Look now, and not only when the interval is over."""
        self._woken.set()

    def _run(self) -> None:
        with _HandedOver(self._post):
            self._first()
            from rldk_tui.tui.looking import Looking

            looking, begun = Looking(self._options), self._clock()
            while not self._stopped:
                self._woken.clear()
                more, health = False, None
                if not self._paused:
                    health = self._poll()
                    more = health is not None and health.more
                    if health is None:
                        self._post(Waiting(self._clock() - begun))
                    else:
                        if looking.elsewhere(health):
                            self._post(Repointed(str(looking.directory), health.snapshot.name))
                            looking = Looking(self._options)
                        self._post(HealthUpdated(looking.at(health)))
                if not more:
                    self._woken.wait(_pause(health, self._options))


def _pause(health: RunHealth | None, options: MonitorOptions) -> float:
    """Seconds to the next look: a run that is over may be resumed, but nobody waits for it."""
    over = health is not None and health.snapshot.state.value in _OVER and options.seek is None
    return max(options.interval, _OVER_INTERVAL) if over else options.interval


class _HandedOver:
    """Whatever ends the thread is posted to the app, which ends with it: a thread has nobody to raise to."""

    def __init__(self, post: Callable[[Message], object]) -> None:
        self._post = post

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None) -> bool:
        if failure is not None:
            self._post(FeedFailed(failure))
        return failure is not None
