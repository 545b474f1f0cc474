"""A folder of runs as an index: a row a run, and what was read of a finished one kept until its logs change.

Reading and judging a run takes a tenth of a second to some seconds; an index of a hundred finished ones is there at once
the second time. What is kept lies in the user's cache folder, a file a run, and is safe to delete.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np

from rldk_tui import __version__
from rldk_tui.charts.growing import GrowingShape, Shape
from rldk_tui.errors import UserError
from rldk_tui.events import RunState, Severity
from rldk_tui.ingest import runs_below
from rldk_tui.metrics import lookup
from rldk_tui.run import Kind, RunSnapshot
from rldk_tui.run.long_arrays import cache_folder
from rldk_tui.session import RunHealth, RunSession

ALIVE = frozenset({RunState.WAITING, RunState.LIVE, RunState.SLOW, RunState.STALLED})
"""States that time alone changes: such a run is read again whatever its logs say."""
_LOG_FOLDERS = ("", "rldk", "completions", "runs", "logs", "tensorboard", "wandb")
_HEADLINES = ("reward", "rewards/margins", "margin", "loss")
"""What a row draws: the first of these that the run logs."""
_STRETCHES = 64
"""Half the stretches that a curve has at most: a dot of a row's chart each."""


class Stamp(msgspec.Struct, frozen=True, array_like=True):
    """Changes when a run's logs do: when they were last written (ns), and how much they hold (bytes)."""

    newest: int
    size: int


class Curve(msgspec.Struct, frozen=True, array_like=True):
    """The course of a metric in stretches, as a `charts.growing.Shape` has it."""

    last_steps: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    marks: tuple[int, ...]
    stretch: int

    @classmethod
    def of(cls, shape: Shape) -> Curve:
        """To be kept."""
        return cls(
            tuple(shape.last_steps.tolist()),
            tuple(shape.low.tolist()),
            tuple(shape.high.tolist()),
            tuple(shape.marks.tolist()),
            shape.stretch,
        )

    def shape(self) -> Shape:
        """To be drawn."""
        steps, marks = np.array(self.last_steps, np.int64), np.array(self.marks, np.uint8)
        return Shape(steps, np.array(self.low, np.float64), np.array(self.high, np.float64), marks, self.stretch)


class RunRow(msgspec.Struct, frozen=True):
    """What an index tells of a run.

    Attributes:
        path: The run directory.
        name: The same, relative to the folder of runs.
        stamp: Of its logs as they were read.
        state: None before it was read.
        algorithm: "" where nothing tells.
        value, grade: The health score.
        opened: Open findings by severity, the worst first.
        worst: The rule of the worst open finding, or "".
        changed_at: Unix seconds of its last word; None where no source has a clock.
        metric, latest: The title and the latest value of what `curve` draws; "" and None without such a metric.
        problem: Why it cannot be read, or "".
    """

    path: str
    name: str
    stamp: Stamp
    state: RunState | None = None
    algorithm: str = ""
    model: str = ""
    step: int | None = None
    max_steps: int | None = None
    value: float | None = None
    grade: str = ""
    opened: dict[Severity, int] = {}
    worst: str = ""
    changed_at: float | None = None
    metric: str = ""
    latest: float | None = None
    curve: Curve | None = None
    problem: str = ""

    @property
    def last_sign(self) -> float:
        """Unix seconds of its last word, or, where no source has a clock, of the last writing into its logs."""
        return self.changed_at if self.changed_at is not None else self.stamp.newest / 1e9


class _Kept(msgspec.Struct, frozen=True):
    version: str
    row: RunRow


_decoder = msgspec.msgpack.Decoder(_Kept)  # it has NaN, which JSON has not


def stamp_of(run: Path) -> Stamp:
    """Of a run's logs as they are."""
    newest = size = 0
    for folder in _LOG_FOLDERS:
        with suppress(OSError):
            for file in (run / folder).iterdir():
                facts = file.stat()
                newest, size = max(newest, facts.st_mtime_ns), size + facts.st_size
    return Stamp(newest, size)


def index(folder: Path) -> Iterator[RunRow]:
    """The runs of a folder, each as soon as it is known, in the order of their names."""
    for path in sorted(runs_below(folder)):
        yield recalled(path, folder) or _read(path, folder)


def unread(path: Path, folder: Path) -> RunRow:
    """The row of a run that was found and not yet read."""
    return RunRow(str(path.resolve()), _name(path, folder), stamp_of(path))


def unreadable(row: RunRow, stamp: Stamp, failure: UserError) -> RunRow:
    """The row of a run that cannot be read as it is now."""
    return RunRow(row.path, row.name, stamp, RunState.UNKNOWN, changed_at=row.changed_at, problem=failure.message)


def recalled(path: Path, folder: Path) -> RunRow | None:
    """What is kept of a run that is over and whose logs are as they were; None if nothing is."""
    try:
        kept = _decoder.decode(_place(path).read_bytes())
    except (OSError, msgspec.MsgspecError):
        return None
    if kept.version != __version__ or kept.row.stamp != stamp_of(path) or kept.row.path != str(path.resolve()):
        return None
    return msgspec.structs.replace(kept.row, name=_name(path, folder))


def row_of(path: Path, folder: Path, stamp: Stamp, health: RunHealth) -> RunRow:
    """The row of a run, kept for the next time where it is over.

    Args:
        path: The run directory.
        folder: The folder of runs.
        stamp: Of its logs, from before they were read.
        health: What is known of it now.
    """
    snapshot, info = health.snapshot, health.snapshot.info
    opened = [finding for finding in health.findings if finding.open]
    counts = {severity: sum(finding.severity is severity for finding in opened) for severity in reversed(Severity)}
    metric, latest, curve = _headline(snapshot)
    row = RunRow(
        path=str(path.resolve()),
        name=_name(path, folder),
        stamp=stamp,
        state=snapshot.state,
        algorithm=info.algorithm.value.upper().replace("_", " ") if info.algorithm else "",
        model=info.model or "",
        step=snapshot.step,
        max_steps=info.max_steps,
        value=health.score.value,
        grade=health.score.grade,
        opened={severity: number for severity, number in counts.items() if number},
        worst=max(opened, key=lambda finding: finding.severity.rank).rule if opened else "",
        changed_at=snapshot.last_event_at,
        metric=metric,
        latest=latest,
        curve=curve,
    )
    if row.state not in ALIVE:
        _keep(path, row)
    return row


def _read(path: Path, folder: Path) -> RunRow:
    row = unread(path, folder)
    try:
        health = RunSession(path).poll()
    except UserError as failure:
        return unreadable(row, row.stamp, failure)
    return row_of(path, folder, row.stamp, health)


def _headline(snapshot: RunSnapshot) -> tuple[str, float | None, Curve | None]:
    names = set(snapshot.metric_names())
    name = next((name for name in _HEADLINES if name in names), "")
    if not name:
        return "", None, None
    series, growing = snapshot.series(name), GrowingShape(_STRETCHES)
    growing.extend(series.steps, series.values, series.kinds == Kind.NULL)
    return lookup(name).title, series.latest, Curve.of(growing.shape())


def _name(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else path.name


def _place(run: Path) -> Path:
    return cache_folder() / "runs" / f"{hashlib.sha256(os.fsencode(run.resolve())).hexdigest()[:32]}.msgpack"


def _keep(run: Path, row: RunRow) -> None:
    place = _place(run)
    part = place.with_suffix(f".{os.getpid()}.part")
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.write_bytes(msgspec.msgpack.encode(_Kept(__version__, row)))
        part.replace(place)
