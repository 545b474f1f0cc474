"""One file a log format: bytes become events.

A module here offers `FORMAT`, a `StreamFormat` (the file only grows; a decoder is fed its bytes in pieces of any size) or a
`DocumentFormat` (the file is rewritten whole; it is read whole when it changed). Exactly one format may claim a file, and
it claims by content. A decoder or reader may raise on garbage: `decode_safely` and `read_safely` are the border where
that becomes a `ReadProblem` and the rest of the run is still shown.

To add a format: one file with `FORMAT`; third parties use the entry point `rldk_tui.readers`. A module whose name begins
with an underscore holds what several formats share and is no format. Floor: above `events`, below `ingest`, which finds the
files and tails them.

Sources differ in what they know of the training process. One that knows it (our own log, tfevents) begins with a
`RunStarted` and opens a launch. One that does not yields `RunDescribed` before its first row, so that its rows join the
launch whose numbers they repeat; a `RunStarted` without host, process and clock in such a source says that another
training begins in the same file.
"""

from __future__ import annotations

import pkgutil
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path, PurePath
from typing import Protocol, TypeAlias, runtime_checkable

from rldk_tui.events import Event, Json, ReadProblem
from rldk_tui.events.entries import Entries

Read: TypeAlias = Event | Entries | ReadProblem
"""What a reader yields: `Entries` are many `Metrics` or `Measured` events at once."""

ENTRY_POINT = "rldk_tui.readers"
HEAD = 4096
"""Bytes of a file's beginning that a format may look at to claim it."""


class StreamDecoder(Protocol):
    """Decodes one growing file. Any split of its bytes into chunks yields the same events in the same order."""

    def feed(self, chunk: bytes) -> Iterable[Read]:
        """Take the next bytes and yield what became complete."""
        ...

    def flush(self) -> Iterable[Event]:
        """What the bytes taken so far hold beyond doubt although their end mark is missing."""
        ...

    def pending(self) -> int:
        """Bytes taken that are not yet a whole record: a torn end, if no more come."""
        ...


@runtime_checkable
class ResumableDecoder(StreamDecoder, Protocol):
    """One that another can go on for: what a long log of this kind said is kept between two openings."""

    def mark(self) -> Json | None:
        """What a fresh decoder needs to go on at the first byte that is still pending; None if none can."""
        ...

    def go_on(self, mark: Json) -> None:
        """Be where the decoder was that gave this mark.

        Raises:
            ValueError: if none gave it.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFormat:
    """A format whose files only grow.

    Attributes:
        name: What people call it.
        authority: How far its finite numbers are trusted against another source's (0 to 15).
        claims: (path in the run directory, first bytes) -> whether the file is of this format.
        decoder: A decoder for the file of this path.
        generations: Whether its files may hold generations.
        anybodys: Whether anybody's script writes such files, so that one beside several runs makes no run of their folder.
    """

    name: str
    authority: int
    claims: Callable[[PurePath, bytes], bool]
    decoder: Callable[[PurePath], StreamDecoder]
    generations: bool = False
    anybodys: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFormat:
    """A format whose files are written whole, and again when they change. `read` gets (file, path in the run).

    Attributes:
        companions: Endings of the names of files beside it that change with it (a database's `-wal`).
        anybodys: As a `StreamFormat`'s.
    """

    name: str
    authority: int
    claims: Callable[[PurePath, bytes], bool]
    read: Callable[[Path, PurePath], Iterable[Read]]
    generations: bool = False
    companions: tuple[str, ...] = ()
    anybodys: bool = False


Format: TypeAlias = StreamFormat | DocumentFormat


@cache
def load_formats() -> tuple[Format, ...]:
    """Every format, the most trusted first. A third party's that fails to load is named in a warning and left out."""
    modules = [found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_")]
    own = [import_module(f"{__name__}.{module}").FORMAT for module in modules]
    foreign = []
    for point in entry_points(group=ENTRY_POINT):
        try:
            foreign.append(point.load().FORMAT)
        except (ImportError, AttributeError) as failure:
            warnings.warn(f"reader {point.name} of {point.dist} is left out: {failure}", stacklevel=2)
    return tuple(sorted([*own, *foreign], key=lambda form: (-form.authority, form.name)))


def format_of(path: PurePath, head: bytes) -> Format | None:
    """The format that claims a file by its first bytes, or None if nobody does."""
    return next((form for form in load_formats() if form.claims(path, head)), None)


def decode_safely(decoder: StreamDecoder, chunk: bytes, path: PurePath) -> list[Read]:
    """What the decoder makes of the chunk; a failure becomes a problem, and what came before it is kept."""
    reads: list[Read] = []
    try:
        reads.extend(decoder.feed(chunk))
    except BaseException as failure:  # noqa: BLE001 - the border: a broken file must not hide the rest of the run
        reads.append(_problem(path, failure))
    return reads


def flush_safely(decoder: StreamDecoder, path: PurePath) -> list[Read]:
    """What the decoder holds beyond doubt; a failure becomes a problem."""
    try:
        return list(decoder.flush())
    except Exception as failure:  # noqa: BLE001 - the border: a broken file must not hide the rest of the run
        return [_problem(path, failure)]


def read_safely(form: DocumentFormat, file: Path, path: PurePath) -> list[Read]:
    """What the document says; a failure becomes a problem."""
    reads: list[Read] = []
    try:
        reads.extend(form.read(file, path))
    except BaseException as failure:  # noqa: BLE001 - the border: a broken file must not hide the rest of the run
        reads.append(_problem(path, failure))
    return reads


def _problem(path: PurePath, failure: BaseException) -> ReadProblem:
    """The failure as a problem.

    Raises:
        BaseException: again, if it is no failure of a reader but somebody's wish to end the program. A panic of a library that
            is written in Rust (polars) is no `Exception`, though it is a failure like any.
    """
    if not isinstance(failure, Exception) and type(failure).__name__ != "PanicException":
        raise failure
    if isinstance(failure, PermissionError):
        return ReadProblem(source=str(path), message="may not be read by this user (check its mode and owner)")
    reason = str(failure).splitlines()[0][:200] if str(failure) else ""
    return ReadProblem(source=str(path), message=f"could not be read: {type(failure).__name__}: {reason}".rstrip(": "))
