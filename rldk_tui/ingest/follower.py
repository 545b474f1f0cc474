"""Run directory -> batches of events, again and again.

One look takes the run from wherever it is to wherever it got to, so a finished run is read in one and a living one in
many, with the same events in the same order for each source.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, insort
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import msgspec

from rldk_tui.checkpoints import inspect_folder
from rldk_tui.events import Checkpoint, Event, Origin, ReadProblem, RunDescribed, RunStarted
from rldk_tui.events.entries import Entries
from rldk_tui.ingest import parse_cache
from rldk_tui.ingest.discovery import Discovery, Found
from rldk_tui.ingest.parse_cache import Parsed, Recording
from rldk_tui.ingest.tail import Tail
from rldk_tui.readers import (
    DocumentFormat,
    Read,
    ResumableDecoder,
    StreamDecoder,
    StreamFormat,
    decode_safely,
    flush_safely,
    read_safely,
)

_HOT = 64
"""How many of a format's newest documents are looked at again each time: TRL rewrites the last ones only."""
_MOST_PROBLEMS = 20
"""Different problems of one source that are kept; the rest are counted in the last."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one look brought.

    Attributes:
        events: With where each was read, in order.
        problems: Everything that cannot be read now.
        restarted: Something read earlier is no longer there (a log was truncated or replaced): forget everything first.
        vanished: The run directory is not there now; what was read before still stands.
        rewritten: Documents whose events are among these once more, or that a newer one repeats: what they said before no
            longer counts.
        more: Whether there is more to read now than was asked for.
    """

    events: list[tuple[Event | Entries, Origin]]
    problems: tuple[ReadProblem, ...]
    restarted: bool = False
    vanished: bool = False
    rewritten: tuple[str, ...] = ()
    more: bool = False


@dataclass(slots=True)
class _Source:
    """One claimed file and what was wrong in it. `said`: whether it told of anything but that a training began."""

    path: PurePath
    origin: Origin
    problems: dict[str, ReadProblem] = field(default_factory=dict)
    order: tuple[tuple[object, ...], tuple[object, ...]] = ((), ())
    said: bool = False

    def __post_init__(self) -> None:
        self.order = _trust(self), _natural(self.path)

    def note(self, problem: ReadProblem) -> None:
        known = self.problems.get(problem.message)
        if known is None and len(self.problems) >= _MOST_PROBLEMS:
            problem = ReadProblem(source=problem.source, message="further problems of other kinds")
            known = self.problems.get(problem.message)
        count = problem.count + (known.count if known else 0)
        line = known.line if known else problem.line
        self.problems[problem.message] = msgspec.structs.replace(problem, line=line, count=count)


@dataclass(slots=True)
class _Stream(_Source):
    format: StreamFormat = field(kw_only=True)
    tail: Tail = field(kw_only=True)
    decoder: StreamDecoder = field(kw_only=True)
    recording: Recording | None = None


@dataclass(slots=True)
class _Document(_Source):
    format: DocumentFormat = field(kw_only=True)
    state: tuple[int, ...] | None = None


@dataclass(slots=True)
class _Shelf:
    """The documents of one format that are worth a look."""

    unread: dict[PurePath, _Document] = field(default_factory=dict)
    newest: list[_Document] = field(default_factory=list)


@dataclass(slots=True)
class _Allowance:
    """How many bytes this look may still read, and whether it would have read more."""

    left: float
    wanting: bool = False

    def spent(self, size: int = 0) -> bool:
        """Whether nothing is left, after so many more were read."""
        self.left -= size
        return self.left <= 0


class Follower:
    """Follows one run directory."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._reset()

    def _reset(self) -> None:
        self._was_gone = False
        self._target = self._root.resolve()
        self._discovery = Discovery(self._target)
        self._streams: dict[PurePath, _Stream] = {}
        self._documents: dict[PurePath, _Document] = {}
        self._shelves: dict[tuple[str, bool], _Shelf] = {}
        self._superseded: list[str] = []
        self._checkpoints: dict[PurePath, Checkpoint] = {}
        self._origins: list[Origin] = []
        self._shown: tuple[Origin, ...] | None = None

    def poll(self, most: int | None = None) -> Batch:
        """What is new, the most trusted sources first.

        Args:
            most: Bytes after which no further file is begun, so that no look takes long and holds little; the rest is read by
                the next look. None for everything.
        """
        if not self._target.is_dir() and not self._root.is_dir():
            self._was_gone = True
            gone = ReadProblem(source=str(self._root), message="the run directory is gone; this is what was read before")
            return Batch([], (*self._problems(), gone), vanished=True)
        moved = self._was_gone or self._root.resolve() != self._target
        restarted = moved or any(self._was_restarted(stream) for stream in self._streams.values())
        if restarted:
            self._reset()
        for found in self._discovery.look():
            self._adopt(found)
        events: list[tuple[Event | Entries, Origin]] = []
        left = _Allowance(math.inf if most is None else most)
        for stream in sorted(self._streams.values(), key=lambda stream: stream.order):
            self._read_stream(stream, events, left)
        rewritten = [document.origin.source for document in self._due() if self._read_document(document, events, left)]
        self._look_at_checkpoints(events)
        self._tell_the_silent()
        superseded, self._superseded = self._superseded, []
        return Batch(events, self._problems(), restarted, rewritten=(*superseded, *rewritten), more=left.wanting)

    def progress(self) -> tuple[int, int]:
        """Bytes that were read of the files that grow, and how many these have."""
        tails = [stream.tail for stream in self._streams.values()]
        return sum(tail.offset for tail in tails), sum(tail.length() for tail in tails)

    def sources(self) -> tuple[Origin, ...]:
        """The files that are read, in the order of their names."""
        if self._shown is None:
            self._shown = tuple(self._origins)
        return self._shown

    def _adopt(self, found: Found) -> None:
        origin = Origin(source=str(found.path), format=found.format.name, authority=found.format.authority)
        insort(self._origins, origin, key=_name)
        self._shown = None
        if isinstance(found.format, StreamFormat):
            self._streams[found.path] = _Stream(
                found.path,
                origin,
                format=found.format,
                tail=Tail(self._target / found.path),
                decoder=found.format.decoder(found.path),
            )
        else:
            self._shelve(_Document(found.path, origin, format=found.format))

    def _shelve(self, document: _Document) -> None:
        """A checkpoint's document repeats what the earlier ones say, so of those only the newest is read."""
        nested = document.path.parent in self._discovery.checkpoints
        shelf = self._shelves.setdefault((document.format.name, nested), _Shelf())
        known = sorted([*shelf.newest, document], key=lambda known: known.order[1])
        shelf.newest = known[-1 if nested else -_HOT :]
        self._documents[document.path] = document
        if not nested:
            shelf.unread[document.path] = document
            return
        for older in known[:-1]:
            self._superseded.append(older.origin.source)
            self._documents.pop(older.path, None)
            del self._origins[bisect_left(self._origins, older.origin.source, key=_name)]

    def _was_restarted(self, stream: _Stream) -> bool:
        try:
            return stream.tail.restarted()
        except FileNotFoundError:
            return not (self._target / stream.path).parent.is_dir()  # not rotated away: its folder was made anew
        except OSError:
            return False  # the next read says what is wrong

    def _read_stream(self, stream: _Stream, events: list[tuple[Event | Entries, Origin]], left: _Allowance) -> None:
        try:
            if stream.tail.offset == 0:
                self._begin(stream, events, left)
            for chunk in stream.tail.read():
                reads = decode_safely(stream.decoder, chunk, stream.path)
                if stream.recording is not None:
                    stream.recording.add(reads)
                self._sort(stream, reads, events)
                if left.spent(len(chunk)) and stream.tail.behind():
                    left.wanting = True
                    return
        except FileNotFoundError:
            return  # rotated away; what was read of it stands
        except OSError as failure:
            stream.problems[_UNREADABLE] = ReadProblem(
                source=stream.origin.source, message=f"{_UNREADABLE}: {failure.strerror}"
            )
            return
        stream.problems.pop(_UNREADABLE, None)
        if stream.recording is not None and isinstance(stream.decoder, ResumableDecoder):
            stream.recording.finish(stream.tail.offset - stream.decoder.pending(), stream.decoder.mark())
            stream.recording = None
        self._sort(stream, flush_safely(stream.decoder, stream.path), events)
        pending = stream.decoder.pending()
        if pending:
            torn = f"the last record is not whole ({pending} bytes); it is read when the rest arrives"
            stream.problems[_TORN] = ReadProblem(source=stream.origin.source, message=torn)
        else:
            stream.problems.pop(_TORN, None)

    def _begin(self, stream: _Stream, events: list[tuple[Event | Entries, Origin]], left: _Allowance) -> None:
        """Of a long log, recall what an earlier opening kept of it, else keep it for a later one."""
        file = self._target / stream.path
        if not isinstance(stream.decoder, ResumableDecoder) or file.stat().st_size < parse_cache.LEAST:
            return
        known = parse_cache.recall(file, stream.format.name)
        if known is not None and not _goes_on(stream.decoder, known):
            known, stream.decoder = None, stream.format.decoder(stream.path)
        if known is None or file.stat().st_size - known.position >= parse_cache.LEAST:
            stream.recording = Recording(file, stream.format.name)
        if known is None:
            return
        if stream.recording is not None:
            stream.recording.add(known.reads)
        stream.tail.go_on_from(known.position)
        self._sort(stream, known.reads, events)
        left.spent(known.position)

    def _tell_the_silent(self) -> None:
        """Logs without an entry; a console is often just text, which matters only where nothing else is there."""
        sources = [*self._streams.values(), *self._documents.values()]
        told = any(source.said for source in sources)
        for stream in self._streams.values():
            silent = not stream.said and not stream.problems.keys() - {_SILENT} and (stream.origin.authority > 1 or not told)
            if silent and stream.origin.authority < _OURS:
                stream.problems[_SILENT] = ReadProblem(source=stream.origin.source, message=_SILENT)
            else:
                stream.problems.pop(_SILENT, None)

    def _due(self) -> list[_Document]:
        """Documents to look at now: those not read yet, and of each format the newest, which may be written again."""
        shelves = self._shelves.values()
        due = {document.path: document for shelf in shelves for document in (*shelf.unread.values(), *shelf.newest)}
        return sorted(due.values(), key=lambda document: document.order)

    def _read_document(self, document: _Document, events: list[tuple[Event | Entries, Origin]], left: _Allowance) -> bool:
        """Read a document if it changed; whether it was read, with or without problems."""
        file = self._target / document.path
        try:
            facts = file.stat()
        except FileNotFoundError:
            return False
        except OSError as failure:
            document.note(ReadProblem(source=document.origin.source, message=f"{_UNREADABLE}: {failure.strerror}"))
            return False
        state = (facts.st_size, facts.st_mtime_ns, *_companions(file, document.format.companions))
        if state == document.state:
            return False
        if left.spent():
            left.wanting = True
            return False
        left.spent(facts.st_size)
        document.problems.clear()
        reads = read_safely(document.format, file, document.path)
        self._sort(document, reads, events)
        failed = any(problem.message.startswith("could not be read") for problem in document.problems.values())
        document.state = state
        shelf = self._shelves.get((document.format.name, False))
        if not failed and shelf is not None:
            shelf.unread.pop(document.path, None)
        return not failed

    def _look_at_checkpoints(self, events: list[tuple[Event | Entries, Origin]]) -> None:
        for path, folder in self._discovery.checkpoints.items():
            known = self._checkpoints.get(path)
            if known is not None and known.complete:
                continue
            try:
                facts = inspect_folder(folder)
            except FileNotFoundError:  # rotated away
                self._discovery.problems.pop(str(path), None)
                continue
            except OSError as failure:
                self._discovery.problems[str(path)] = ReadProblem(
                    source=str(path), message=f"{_UNREADABLE}: {failure.strerror}"
                )
                continue
            for name in facts.unreadable:
                source = str(path / name)
                message = "may not be read by this user (check its mode and owner)"
                self._discovery.problems[source] = ReadProblem(source=source, message=message)
            event = Checkpoint(time=math.nan, step=facts.step, path=str(path), complete=facts.complete, size=facts.size)
            if known is None or _differ(known, event):
                self._checkpoints[path] = event
                events.append((event, Origin(source=str(path), format="checkpoint folder")))

    def _sort(self, source: _Source, reads: list[Read], events: list[tuple[Event | Entries, Origin]]) -> None:
        for read in reads:
            if isinstance(read, ReadProblem):
                source.note(read)
            else:
                source.said = source.said or not isinstance(read, RunStarted | RunDescribed)
                events.append((read, source.origin))

    def _problems(self) -> tuple[ReadProblem, ...]:
        sources = [*self._streams.values(), *self._documents.values()]
        return (*self._discovery.problems.values(), *(problem for source in sources for problem in source.problems.values()))


_UNREADABLE = "cannot be read"
_TORN = "torn end"
_SILENT = "nothing is logged in it yet"
_OURS = 12
"""Authority of our own event log, which says by itself what it is waiting for."""


def _companions(file: Path, endings: tuple[str, ...]) -> tuple[int, ...]:
    """Sizes and times of the files that change with this one."""
    known = []
    for ending in endings:
        try:
            facts = file.with_name(file.name + ending).stat()
            known += [facts.st_size, facts.st_mtime_ns]
        except OSError:
            known += [-1, -1]
    return tuple(known)


def _goes_on(decoder: ResumableDecoder, known: Parsed) -> bool:
    """Let a fresh decoder go on behind what is known; False if what it should know is damaged."""
    try:
        decoder.go_on(known.mark)
    except (ValueError, msgspec.MsgspecError):
        return False
    return True


def _differ(known: Checkpoint, event: Checkpoint) -> bool:
    """Whether a checkpoint's facts changed; NaN times would make any two events differ."""
    return (known.complete, known.size) != (event.complete, event.size)


def _name(origin: Origin) -> str:
    return origin.source


def _trust(source: _Source) -> tuple[object, ...]:
    """The most trusted first; of one format by name, which for event files is by the time they were begun."""
    return (-source.origin.authority, _natural(PurePath(source.path.name)), source.origin.source)


def _natural(path: PurePath) -> tuple[object, ...]:
    """Sorts `checkpoint-100` after `checkpoint-60`."""
    return tuple(int(part) if part.isdecimal() and part.isascii() else part for part in re.split(r"([0-9]+)", str(path)))
