"""The runs of a folder, a row each, read one after another and kept up to date in a thread of its own."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from rldk_tui.charts.growing import Shape, shape_of
from rldk_tui.errors import UserError
from rldk_tui.events import RunState, Severity
from rldk_tui.ingest.locate import runs_below
from rldk_tui.metrics import lookup
from rldk_tui.run import Kind, RunSnapshot
from rldk_tui.scoring import Score
from rldk_tui.session import RunHealth, RunSession

_ALIVE = frozenset({RunState.WAITING, RunState.LIVE, RunState.SLOW, RunState.STALLED})
_LOGS = ("", "rldk", "completions", "runs", "logs", "tensorboard")
_MOST_OPEN = 16
"""Living runs that are followed line by line; of more, the newest."""
_HEADLINES = ("reward", "rewards/margins", "margin", "loss")
"""What a run's line draws, the first of these that it logs."""
_DRAWN = 256


@dataclass(frozen=True, slots=True)
class RunRow:
    """What is known of one run.

    Attributes:
        stamp: Changes when its logs do.
        state: None before it was read.
        metric: What `shape` draws, and its latest value.
        opened: Open findings by severity.
        changed_at: Unix seconds of its last word, or of its newest log file.
        problem: Why it cannot be read, or "".
    """

    path: Path
    name: str
    stamp: tuple[float, int]
    state: RunState | None = None
    algorithm: str = ""
    step: int | None = None
    max_steps: int | None = None
    metric: str = ""
    latest: float | None = None
    shape: Shape | None = None
    score: Score | None = None
    opened: tuple[tuple[Severity, int], ...] = ()
    worst: str = ""
    changed_at: float = 0.0
    problem: str = ""


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
            due = sorted(self._due(), key=lambda path: -self._rows[path].changed_at)
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
        found = {path: _stamp(path) for path in runs_below(self.folder)}
        for gone in set(self._rows) - set(found):
            del self._rows[gone]
            self._sessions.pop(gone, None)
        for path, stamp in found.items():
            if path not in self._rows:
                name = str(path.relative_to(self.folder))
                self._rows[path] = RunRow(path, name, (0.0, -1), changed_at=stamp[0])

    def _due(self) -> list[Path]:
        """Runs that were never read, that live, or whose logs changed."""
        return [
            path for path, row in self._rows.items() if row.state is None or row.state in _ALIVE or row.stamp != _stamp(path)
        ]

    def _read(self, path: Path) -> RunRow:
        row = self._rows[path]
        stamp = _stamp(path)
        try:
            session = self._sessions.get(path) or RunSession.open(path)
            health = session.poll()
        except UserError as failure:
            return replace(row, stamp=stamp, state=RunState.UNKNOWN, problem=failure.message)
        read = _row_of(row, health, stamp)
        if read.state in _ALIVE and (path in self._sessions or len(self._sessions) < _MOST_OPEN):
            self._sessions[path] = session
        else:
            self._sessions.pop(path, None)
        return read


def _stamp(run: Path) -> tuple[float, int]:
    """When its logs were last written, and how much they hold."""
    newest, size = 0.0, 0
    for folder in _LOGS:
        try:
            for file in (run / folder).iterdir():
                found = file.stat()
                if file.is_file():
                    newest, size = max(newest, found.st_mtime), size + found.st_size
        except OSError:
            continue
    return newest, size


def _row_of(row: RunRow, health: RunHealth, stamp: tuple[float, int]) -> RunRow:
    snapshot = health.snapshot
    info = snapshot.info
    metric, latest, shape = _headline(snapshot)
    opened = [finding for finding in health.findings if finding.open]
    counts = {severity: sum(finding.severity is severity for finding in opened) for severity in reversed(Severity)}
    return replace(
        row,
        stamp=stamp,
        state=snapshot.state,
        algorithm=info.algorithm.value.upper().replace("_", " ") if info.algorithm else "",
        step=snapshot.step,
        max_steps=info.max_steps,
        metric=metric,
        latest=latest,
        shape=shape,
        score=health.score,
        opened=tuple((severity, number) for severity, number in counts.items() if number),
        worst=max(opened, key=lambda finding: finding.severity.rank).rule if opened else "",
        changed_at=snapshot.last_event_at or stamp[0] or time.time(),
        problem="",
    )


def _headline(snapshot: RunSnapshot) -> tuple[str, float | None, Shape | None]:
    names = set(snapshot.metric_names())
    name = next((name for name in _HEADLINES if name in names), "")
    if not name:
        return "", None, None
    series = snapshot.series(name)
    at = slice(None) if len(series) <= _DRAWN else slice(0, None, -(-len(series) // _DRAWN))
    shape = shape_of(series.steps[at], series.values[at], series.kinds[at] == Kind.NULL)
    return lookup(name).title, series.latest, shape
