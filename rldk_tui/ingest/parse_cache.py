"""What a long log said, kept so that opening the run again takes a second: columns as bytes, single events as MessagePack.

One file a log in the user's cache folder, named by the log's place and safe to delete. It tells how much of the log it
holds and how the bytes before that read, so that a log that grew is read on from there and one that is another now is not
taken for it. A cache that is damaged in any way is as good as none.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from rldk_tui import __version__
from rldk_tui.events import Event, Phase, ReadProblem
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
_MAGIC = f"rldk parse cache 1 {__version__}\n".encode()
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
    event: bytes


class _Problem(msgspec.Struct, frozen=True, array_like=True, tag="problem"):
    problem: ReadProblem


class _Index(msgspec.Struct, frozen=True):
    """What a cache holds: `position` bytes of a log of this format, whose last bytes before it have this digest."""

    format: str
    device: int
    inode: int
    position: int
    digest: str
    mark: int
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
    mark: int


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
        reads = _with_counts([_read(content, item) for item in index.reads])
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
        return event
    if isinstance(item, _Problem):
        return item.problem
    columns = {}
    for column in item.columns:
        values = np.frombuffer(content, np.float64, item.rows, column.values)
        if column.kinds is None:
            columns[column.key] = all_finite(values)
        else:
            columns[column.key] = Cells(values, np.frombuffer(content, np.uint8, item.rows, column.kinds))
    steps = np.frombuffer(content, np.int64, item.rows, item.steps)
    times = np.frombuffer(content, np.float64, item.rows, item.times)
    return Entries(phase=item.phase, steps=steps, times=times, columns=columns)


def _with_counts(reads: list[Read]) -> list[Read]:
    """The same; the first entries of each phase tell how many follow."""
    left: Counter[Phase | None] = Counter()
    for read in reads:
        if isinstance(read, Entries):
            left[read.phase] += len(read)
    told: set[Phase | None] = set()
    for place, read in enumerate(reads):
        if isinstance(read, Entries) and read.phase not in told:
            told.add(read.phase)
            reads[place] = replace(read, to_come=left[read.phase] - len(read))
    return reads


class Recording:
    """Keeps what a log says while it is read for the first time; a disk that is full ends it, and nothing else."""

    def __init__(self, log: Path, form: str) -> None:
        self._log = log
        self._form = form
        self._reads: list[_Table | _Single | _Problem] = []
        self._single_bytes = 0
        self._size = 0
        self._file: BinaryIO | None = None
        self._beside = _place(log).with_suffix(f".{os.getpid()}.part")
        with suppress(OSError):
            self._beside.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = self._beside.open("wb")
        self._write([_MAGIC])

    def add(self, reads: Iterable[Read]) -> None:
        """Take what was read."""
        if self._file is None:
            return
        for read in reads:
            if isinstance(read, Entries):
                self._reads.append(self._table(read))
            elif isinstance(read, ReadProblem):
                self._reads.append(_Problem(read))
            else:
                single = _Single(_event_encoder.encode(read))
                self._reads.append(single)
                self._single_bytes += len(single.event)
        if self._single_bytes > _MOST_IN_EVENTS:
            self.discard()

    def finish(self, position: int, mark: int | None) -> None:
        """Everything up to there was taken; nothing is kept where the decoder could not go on from there."""
        if self._file is None:
            return
        if mark is None:
            self.discard()
            return
        try:
            facts = self._log.stat()
            index = _Index(self._form, facts.st_dev, facts.st_ino, position, _digest(self._log, position), mark, self._reads)
            self._write([msgspec.msgpack.encode(index), self._size.to_bytes(_FOOT, "little")])
            if self._file is not None:
                self._file.close()
                self._beside.replace(_place(self._log))
            _make_room()
        except OSError:
            self.discard()
        self._file, self._reads = None, []

    def discard(self) -> None:
        """Keep nothing."""
        with suppress(OSError):
            if self._file is not None:
                self._file.close()
            self._beside.unlink(missing_ok=True)
        self._file, self._reads = None, []

    def _table(self, entries: Entries) -> _Table:
        columns = []
        for key, cells in entries.columns.items():
            whole = bool((cells.kinds == Kind.FINITE).all())
            columns.append(_Column(key, self._put(cells.values), None if whole else self._put(cells.kinds)))
        return _Table(entries.phase, len(entries), self._put(entries.steps), self._put(entries.times), columns)

    def _put(self, array: NDArray[np.generic]) -> int:
        """Write an array; where it begins, which is a multiple of its elements' size."""
        if self._file is None:
            return 0
        gap = -self._size % 8
        begin = self._size + gap
        self._write([bytes(gap), np.ascontiguousarray(array).data])
        return begin

    def _write(self, parts: Iterable[bytes | memoryview]) -> None:
        try:
            for part in parts:
                if self._file is not None:
                    self._size += self._file.write(part)
        except OSError:
            self.discard()


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
