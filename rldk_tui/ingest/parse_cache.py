"""What a long log said, kept so that opening the run again takes a second: columns as bytes, single events as MessagePack.

One file a log in the user's cache folder, named by the log's place and safe to delete. It tells how much of the log it
holds and how the bytes before that read, so that a log that grew is read on from there and one that is another now is not
taken for it. A cache that is damaged in any way is as good as none.
"""

from __future__ import annotations

import hashlib
import math
import mmap
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from rldk_tui.events import Event, Json, Measured, Phase, ReadProblem
from rldk_tui.events.bulk import IN_ANY_ORDER
from rldk_tui.events.entries import Cells, Entries, Kind, all_finite
from rldk_tui.readers import Read
from rldk_tui.run.long_arrays import cache_folder

LEAST = 32 * 1024 * 1024
"""Bytes of a log from which on it is worth it: less is read in a fraction of a second."""
MOST = 8 * 1024**3
"""Bytes of all caches together; the ones used longest ago go first."""
_MOST_IN_EVENTS = 64 * 1024 * 1024
"""Bytes of single events (generations, mostly) up to which a log is kept: they are in memory until it is read."""
_CHECKED = 64 * 1024
_MAGIC = f"rldk parse cache 3 {version('rldk-tui')}\n".encode()
"""Another version may read a log otherwise."""
_FOOT = 8


class _Column(msgspec.Struct, frozen=True, array_like=True):
    key: str
    values: int
    kinds: int | None


class _Table(msgspec.Struct, frozen=True, array_like=True, tag="entries"):
    phase: Phase | None
    rows: int
    steps: int
    times: int
    columns: list[_Column]


class _Single(msgspec.Struct, frozen=True, array_like=True, tag="event"):
    """An event; a time that is not known is no valid one on the wire."""

    event: bytes
    timeless: bool = False


class _Problem(msgspec.Struct, frozen=True, array_like=True, tag="problem"):
    problem: ReadProblem


class _Index(msgspec.Struct, frozen=True):
    """What a cache holds: `position` bytes of a log of this format, whose last bytes before it have this digest."""

    format: str
    device: int
    inode: int
    position: int
    digest: str
    mark: Json
    reads: list[_Table | _Single | _Problem]


_event_encoder = msgspec.msgpack.Encoder()
_event_decoder = msgspec.msgpack.Decoder(Event)
_index_decoder = msgspec.msgpack.Decoder(_Index)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a log said up to a place in it.

    Attributes:
        position: Bytes of it.
        mark: What its decoder goes on from.
    """

    reads: list[Read]
    position: int
    mark: Json


def folder() -> Path:
    """Where the caches lie."""
    return cache_folder() / "parsed"


def _place(log: Path) -> Path:
    return folder() / f"{hashlib.sha256(os.fsencode(log.resolve())).hexdigest()[:32]}.cache"


def _digest(log: Path, position: int) -> str:
    """Of the log's first and last bytes before a position."""
    with log.open("rb") as opened:
        begin = opened.read(min(_CHECKED, position))
        opened.seek(max(0, position - _CHECKED))
        end = opened.read(min(_CHECKED, position))
    return hashlib.sha256(begin + end).hexdigest()


def recall(log: Path, form: str) -> Parsed | None:
    """What is kept of this log; None if that is nothing, or of another file."""
    place = _place(log)
    try:
        facts = log.stat()
        with place.open("rb") as opened:
            content = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)  # closed with the last array that lies in it
        index = _index_in(content)
        same = (index.format, index.device, index.inode) == (form, facts.st_dev, facts.st_ino)
        if not same or index.position > facts.st_size or index.digest != _digest(log, index.position):
            return None
        reads = [_read(content, item) for item in index.reads]
        os.utime(place)
    except (OSError, ValueError, msgspec.MsgspecError):
        return None
    return Parsed(reads, index.position, index.mark)


def _index_in(content: mmap.mmap) -> _Index:
    if content[: len(_MAGIC)] != _MAGIC:
        raise ValueError("not a cache of this version")
    at = int.from_bytes(content[-_FOOT:], "little")
    return _index_decoder.decode(content[at:-_FOOT])


def _read(content: mmap.mmap, item: _Table | _Single | _Problem) -> Read:
    if isinstance(item, _Single):
        event: Event = _event_decoder.decode(item.event)
        return msgspec.structs.replace(event, time=math.nan) if item.timeless else event
    if isinstance(item, _Problem):
        return item.problem
    columns = {}
    for column in item.columns:
        values = _values(content, item.rows, column)
        whole = column.kinds is None
        columns[column.key] = all_finite(values) if whole else Cells(values, _kinds(content, item.rows, column))
    steps = np.frombuffer(content, np.int64, item.rows, item.steps)
    times = np.frombuffer(content, np.float64, item.rows, item.times)
    return Entries(phase=item.phase, steps=steps, times=times, columns=columns)


class _Out:
    """A file that is written at its end; a full disk closes and deletes it, and what is written then goes nowhere."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.file: BinaryIO | None = None
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.file = path.open("wb")
        self.write(_MAGIC)

    def write(self, *parts: bytes | memoryview) -> None:
        if self.file is None:
            return
        try:
            for part in parts:
                self.size += self.file.write(part)
        except OSError:
            self.discard()

    def put(self, *arrays: NDArray[np.generic]) -> int:
        """Write arrays, one behind the other; where they begin, which is a multiple of their elements' size."""
        gap = -self.size % 8
        begin = self.size + gap
        self.write(bytes(gap), *(np.ascontiguousarray(array).data for array in arrays))
        return begin

    def discard(self) -> None:
        with suppress(OSError):
            if self.file is not None:
                self.file.close()
            self.path.unlink(missing_ok=True)
        self.file = None


class Recording:
    """Keeps what a log says while it is read for the first time; a disk that is full ends it, and nothing else."""

    def __init__(self, log: Path, form: str) -> None:
        self._log = log
        self._form = form
        self._reads: list[_Table | _Single | _Problem] = []
        self._stretches: list[int] = []
        self._stretch = 0
        self._single_bytes = 0
        self._out = _Out(_place(log).with_suffix(f".{os.getpid()}.part"))

    def add(self, reads: Iterable[Read]) -> None:
        """Take what was read."""
        if self._out.file is None:
            return
        for read in reads:
            if isinstance(read, Entries):
                self._reads.append(self._table(read))
            elif isinstance(read, ReadProblem):
                self._reads.append(_Problem(read))
            else:
                timeless = math.isnan(read.time)
                timed = msgspec.structs.replace(read, time=0.0) if timeless else read
                single = _Single(_event_encoder.encode(timed), timeless)
                self._reads.append(single)
                self._single_bytes += len(single.event)
                self._stretch += not isinstance(read, (*IN_ANY_ORDER, Measured))
            self._stretches.append(self._stretch)
        if self._single_bytes > _MOST_IN_EVENTS:
            self.discard()

    def finish(self, position: int, mark: Json | None) -> None:
        """Everything up to there was taken; nothing is kept where the decoder could not go on from there."""
        if self._out.file is None:
            return
        if mark is None:
            self.discard()
            return
        final = _Out(self._out.path.with_suffix(".joined.part"))
        try:
            self._out.file.flush()
            with self._out.path.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
                reads = self._joined(content, final)
            facts = self._log.stat()
            digest = _digest(self._log, position)
            index = _Index(self._form, facts.st_dev, facts.st_ino, position, digest, mark, reads)
            final.write(msgspec.msgpack.encode(index), final.size.to_bytes(_FOOT, "little"))
            if final.file is not None:
                final.file.close()
                final.path.replace(_place(self._log))
            _make_room()
        except OSError:
            final.discard()
        self.discard()

    def discard(self) -> None:
        """Keep nothing."""
        self._out.discard()
        self._reads, self._stretches = [], []

    def _table(self, entries: Entries) -> _Table:
        put, columns = self._out.put, []
        for key, cells in entries.columns.items():
            whole = bool((cells.kinds == Kind.FINITE).all())
            columns.append(_Column(key, put(cells.values), None if whole else put(cells.kinds)))
        return _Table(entries.phase, len(entries), put(entries.steps), put(entries.times), columns)

    def _joined(self, content: mmap.mmap, out: _Out) -> list[_Table | _Single | _Problem]:
        """What was taken, and entries of one phase between two events that keep an order as one table."""
        groups: dict[tuple[int, Phase | None], list[_Table]] = {}
        for read, stretch in zip(self._reads, self._stretches, strict=True):
            if isinstance(read, _Table):
                groups.setdefault((stretch, read.phase), []).append(read)
        reads: list[_Table | _Single | _Problem] = []
        for read, stretch in zip(self._reads, self._stretches, strict=True):
            if not isinstance(read, _Table):
                reads.append(read)
            else:
                reads += _join(groups.pop((stretch, read.phase), []), content, out)
        return reads


def _join(tables: list[_Table], content: mmap.mmap, out: _Out) -> list[_Table]:
    """One table of all where the steps rise from each to the next, else each by itself."""
    if not tables:
        return []
    steps = [np.frombuffer(content, np.int64, table.rows, table.steps) for table in tables]
    rising = all(int(before[-1]) < int(after[0]) for before, after in pairwise(steps))
    del steps  # or the mapping cannot be closed
    if not rising:
        return [one for table in tables for one in _join([table], content, out)]
    columns = []
    for key in dict.fromkeys(column.key for table in tables for column in table.columns):
        found = [next((column for column in table.columns if column.key == key), None) for table in tables]
        values = [_values(content, table.rows, column) for table, column in zip(tables, found, strict=True)]
        kinds = [_kinds(content, table.rows, column) for table, column in zip(tables, found, strict=True)]
        whole = all(column is not None and column.kinds is None for column in found)
        columns.append(_Column(key, out.put(*values), None if whole else out.put(*kinds)))
        del values, kinds
    joined = _Table(
        tables[0].phase,
        sum(table.rows for table in tables),
        out.put(*(np.frombuffer(content, np.int64, table.rows, table.steps) for table in tables)),
        out.put(*(np.frombuffer(content, np.float64, table.rows, table.times) for table in tables)),
        columns,
    )
    return [joined]


def _values(content: mmap.mmap, rows: int, column: _Column | None) -> NDArray[np.float64]:
    return np.full(rows, np.nan) if column is None else np.frombuffer(content, np.float64, rows, column.values)


def _kinds(content: mmap.mmap, rows: int, column: _Column | None) -> NDArray[np.uint8]:
    if column is None or column.kinds is None:
        return np.full(rows, Kind.ABSENT if column is None else Kind.FINITE, np.uint8)
    return np.frombuffer(content, np.uint8, rows, column.kinds)


def _make_room() -> None:
    """Delete the caches used longest ago until the rest is small enough, and what an interrupted recording left."""
    left = MOST
    for _, size, file in sorted(_files(), reverse=True):
        left -= size
        if left < 0 or (file.suffix == ".part" and time.time() - file.stat().st_mtime > 24 * 3600):
            file.unlink(missing_ok=True)


def _files() -> Iterator[tuple[float, int, Path]]:
    for file in folder().iterdir():
        with suppress(FileNotFoundError):
            facts = file.stat()
            yield facts.st_mtime, facts.st_size, file
