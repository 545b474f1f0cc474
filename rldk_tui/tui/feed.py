"""Looks at the run in a thread of its own, so that reading and judging never hold up the screen.

The thread touches no widget: it posts messages. Everything heavy (readers, rules, polars) is imported in it, after the
first frame is drawn.
"""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias

from textual.message import Message

from rldk_tui.tui.messages import FeedFailed, HealthUpdated, Waiting

if TYPE_CHECKING:
    from rldk_tui.session import RunHealth

Poll: TypeAlias = "Callable[[], RunHealth | None]"
"""One look at the run; None while there is none."""


def opening(path: Path, replay: float | None = None) -> Poll:
    """A look that opens the run as soon as it is there; with `replay`, plays it so many times as fast as it was."""
    opened: list[Poll] = []

    def poll() -> RunHealth | None:
        if not opened:
            found = _opened(path, replay)
            if found is None:
                return None
            opened.append(found)
        return opened[0]()

    return poll


def _opened(path: Path, replay: float | None) -> Poll | None:
    from rldk_tui.ingest.locate import NoLogError

    if not path.exists():
        return None
    try:
        if replay is not None:
            from rldk_tui.replay import Replay

            return Replay(path, replay).poll
        from rldk_tui.session import RunSession

        return partial(RunSession.open(path).poll, whole=False)
    except NoLogError:
        return None


class Feed:
    """Polls until it is stopped. Start it once."""

    def __init__(
        self,
        poll: Poll,
        post: Callable[[Message], object],
        interval: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._poll = poll
        self._post = post
        self._interval = interval
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
        """Hold, or go on with a look at once."""
        self._paused = paused
        self._woken.set()

    def _run(self) -> None:
        from rldk_tui.tui.checkpoint_list import RecordedCheckpoints
        from rldk_tui.tui.metric_lines import MetricLines
        from rldk_tui.tui.view import View

        lines, saved, host, begun = MetricLines(), RecordedCheckpoints(), platform.node(), self._clock()
        with _HandedOver(self._post):
            while not self._stopped:
                self._woken.clear()
                health = None
                if not self._paused:
                    health = self._poll()
                    if health is None:
                        self._post(Waiting(self._clock() - begun))
                    else:
                        metrics, checkpoints = lines.update(health.snapshot), saved.update(health)
                        self._post(HealthUpdated(View(health, metrics, host, health.vanished, checkpoints)))
                if not (health and health.more):
                    self._woken.wait(self._interval)


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
