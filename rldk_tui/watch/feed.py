"""Opens a run as soon as it is there, and looks at it again and again."""

from __future__ import annotations

import time
from pathlib import Path

from rldk_tui.events import RunState, Severity
from rldk_tui.ingest.locate import NoLogError
from rldk_tui.session import RunHealth, RunSession
from rldk_tui.watch.changes import Change, Changes
from rldk_tui.watch.lines import Moment

_OVER = (RunState.FINISHED, RunState.DIED)


class Feed:
    """One run under watch.

    Attributes:
        health: What was seen at the last look; None while there is no run.
    """

    def __init__(self, path: Path, least: Severity = Severity.INFO) -> None:
        self._path = path
        self._session: RunSession | None = None
        self._changes = Changes(least)
        self.health: RunHealth | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more is to come: the run said that it ended, or it died."""
        return self.health is not None and self.health.snapshot.state in _OVER

    @property
    def untold(self) -> bool:
        """Whether nothing in the run will ever tell that it ended."""
        return self.health is not None and self.health.snapshot.state is RunState.UNKNOWN

    def look(self) -> list[Change]:
        """What is new.

        Raises:
            UserError: if what stands at the path is no run directory, or a setting of it is not valid.
        """
        if self._session is None:
            self._session = self._opened()
        if self._session is None:
            return self._changes.waiting()
        self.health = self._session.poll()
        return self._changes.since_last(self.health.snapshot.state, self.health.findings)

    def moment(self) -> Moment:
        """When and of which run the newest changes are told."""
        if self.health is None:
            return Moment(time.time(), self._path.name, RunState.WAITING, None)
        seen = self.health.snapshot
        return Moment(seen.taken_at, seen.name, seen.state, seen.step)

    def worst(self) -> int:
        """The rank of the gravest finding, open or closed; 0 if there is none."""
        return max((finding.severity.rank for finding in self.health.findings), default=0) if self.health else 0

    def _opened(self) -> RunSession | None:
        if not self._path.exists():
            return None
        try:
            return RunSession.open(self._path)
        except NoLogError:
            return None
