"""The runs of a folder, a row each, read one after another and kept up to date in a thread of its own."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Protocol

from rldk_tui.errors import UserError
from rldk_tui.ingest.locate import runs_below
from rldk_tui.session import RunSession
from rldk_tui.summary.runs import ALIVE, RunRow, recalled, row_of, stamp_of, unread, unreadable

_MOST_OPEN = 16
"""Living runs that are followed line by line; of more, the newest."""


class Post(Protocol):
    """Takes the rows, and whether there is more to read."""

    def __call__(self, rows: tuple[RunRow, ...], *, reading: bool) -> object:
        """Called in the thread that reads."""
        ...


class RunsIndex:
    """Keeps what it read while another screen is up. `follow` is for one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._rows: dict[Path, RunRow] = {}
        self._sessions: dict[Path, RunSession] = {}

    def follow(self, post: Post, stop: threading.Event, interval: float) -> None:
        """Look again and again; every change is posted, with whether there is more to read."""
        while not stop.is_set():
            self._list()
            post(self.rows(), reading=True)
            told = self.rows()
            due = sorted(self._due(), key=lambda path: -self._rows[path].last_sign)
            for path in due:
                if stop.is_set():
                    return
                self._rows[path] = self._read(path)
                if (now := self.rows()) != told:
                    told = now
                    post(now, reading=True)
            post(self.rows(), reading=False)
            stop.wait(interval)

    def rows(self) -> tuple[RunRow, ...]:
        """All runs, by path."""
        return tuple(self._rows[path] for path in sorted(self._rows))

    def _list(self) -> None:
        """What is kept of finished runs is there at once."""
        found = set(runs_below(self.folder))
        for gone in set(self._rows) - found:
            del self._rows[gone]
            self._sessions.pop(gone, None)
        for path in found - set(self._rows):
            self._rows[path] = recalled(path, self.folder) or unread(path, self.folder)

    def _due(self) -> list[Path]:
        """Runs that were never read, that live, or whose logs changed."""
        return [
            path for path, row in self._rows.items() if row.state is None or row.state in ALIVE or row.stamp != stamp_of(path)
        ]

    def _read(self, path: Path) -> RunRow:
        stamp = stamp_of(path)
        try:
            session = self._sessions.get(path) or RunSession.open(path)
            health = session.poll()
        except UserError as failure:
            return unreadable(self._rows[path], stamp, failure)
        read = row_of(path, self.folder, stamp, health)
        if read.state in ALIVE and (path in self._sessions or len(self._sessions) < _MOST_OPEN):
            self._sessions[path] = session
        else:
            self._sessions.pop(path, None)
        return read
