"""What lies in a run directory: which file is read by whom, why the others are not, and which file tells which metric."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from rldk_tui.events import Checkpoint, Completions, Measured, Metrics, ReadProblem
from rldk_tui.events.entries import Entries, Kind
from rldk_tui.ingest import Follower
from rldk_tui.ingest.declined import NEVER_OPENED, why_declined
from rldk_tui.ingest.discovery import Discovery
from rldk_tui.readers import HEAD
from rldk_tui.run import RunInfo, RunStore

_NUMBER = re.compile(r"\d+")
_MANY = 3
"""Files alike from which on they share a line."""
_PIECE = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """One file of a run.

    Attributes:
        size: Bytes.
        format: Whose it is; None if nobody claimed it, and `remark` says why.
        told: How many of what were read from it ("metric values": 1200).
        remark: What is wrong with it, or why nobody reads it; "" where all is well.
        files: How many files of numbered names this stands for.
    """

    path: str
    size: int
    format: str | None
    told: tuple[tuple[str, int], ...] = ()
    remark: str = ""
    files: int = 1


@dataclass(frozen=True, slots=True)
class RunFiles:
    """A run directory as it was found.

    Attributes:
        sources: Every file: the claimed ones with what was read from them, then the others with the reason why not.
        info: Which run they say it is.
        launches: How many launches there are: a resume opens another.
        metrics: By canonical name, `eval/` and `final/` in front of those phases, the files that tell of it. Where two tell
            the same step the first is believed, and a value that is not finite before one that is.
    """

    sources: tuple[Source, ...]
    info: RunInfo
    launches: int
    metrics: Mapping[str, tuple[str, ...]]

    def tellers(self) -> dict[tuple[str, ...], list[str]]:
        """The metrics, by the files that tell of them."""
        alike: dict[tuple[str, ...], list[str]] = {}
        for metric, files in sorted(self.metrics.items()):
            alike.setdefault(files, []).append(metric)
        return alike


def run_files(run: Path) -> RunFiles:
    """Read a run directory once, and judge nothing of it."""
    told: dict[str, Counter[str]] = {}
    follower, store = Follower(run), RunStore(run.name)
    while True:
        batch = follower.poll(_PIECE)
        if batch.restarted:  # a log was replaced while it was read
            store = RunStore(run.name)
            told.clear()
        for source in batch.rewritten:
            store.rewrite(source)
        for event, origin in batch.events:
            store.add(event, origin)
            told.setdefault(origin.source, Counter()).update(_counted(event))
        if not batch.more:
            break
        store.release()
    snapshot = store.snapshot(time.time(), batch.problems, store.pulse(process_alive=None))
    claimed = _claimed(run, follower, told, remarks := _remarks(snapshot.problems))
    sources = (*claimed, *_unclaimed(run, {source.path for source in claimed}, remarks))
    return RunFiles(sources, snapshot.info, len(snapshot.segments), snapshot.sources)


def _remarks(problems: tuple[ReadProblem, ...]) -> dict[str, list[str]]:
    remarks: dict[str, list[str]] = {}
    for problem in problems:
        remarks.setdefault(problem.source, []).append(_in_words(problem))
    return remarks


def _claimed(run: Path, follower: Follower, told: dict[str, Counter[str]], remarks: dict[str, list[str]]) -> list[Source]:
    """The files that were read; their remarks are taken out."""
    return [
        Source(
            path=origin.source,
            size=_size(run / origin.source),
            format=origin.format,
            told=tuple(told.get(origin.source, Counter()).most_common()),
            remark="; ".join(remarks.pop(origin.source, [])),
        )
        for origin in follower.sources()
    ]


def grouped(found: Sequence[Source]) -> list[Source]:
    """The same, files whose names differ in numbers alone and of which the same is told on one line."""
    alike: dict[tuple[object, ...], list[Source]] = {}
    for source in found:
        folder, _, name = source.path.rpartition("/")
        pattern = _NUMBER.sub("*", name) if _NUMBER.search(name) else name
        place = f"{_NUMBER.sub('*', folder)}/{pattern}" if folder else pattern
        alike.setdefault((place, source.format, source.remark), []).append(source)
    return [_together(str(key[0]), some) if len(some) >= _MANY else one for key, some in alike.items() for one in _few(some)]


def _few(some: list[Source]) -> list[Source]:
    return some[:1] if len(some) >= _MANY else some


def _together(place: str, some: list[Source]) -> Source:
    told: Counter[str] = Counter()
    for source in some:
        told.update(dict(source.told))
    first = some[0]
    size = sum(source.size for source in some)
    return Source(place, size, first.format, tuple(told.most_common()), first.remark, len(some))


def _unclaimed(run: Path, claimed: set[str], remarks: dict[str, list[str]]) -> list[Source]:
    discovery = Discovery(run.resolve())
    discovery.look()
    found = []
    for path in discovery.unclaimed():
        source = str(path)
        reason = "; ".join(remarks.pop(source, [])) or _reason(run, path)
        found.append(Source(source, _size(run / path), None, remark=reason))
    repeated = [path for path in map(str, discovery.found) if path not in claimed]
    found += [
        Source(path, _size(run / path), discovery.found[PurePath(path)].format.name, remark="repeats what a newer one says")
        for path in repeated
    ]
    found += [Source(path, _size(run / path), None, remark="; ".join(said)) for path, said in remarks.items()]
    return sorted(found, key=lambda source: source.path)


def _reason(run: Path, path: PurePath) -> str:
    """Why nobody reads a file."""
    try:
        if not (run / path).is_file():
            return NEVER_OPENED
        with (run / path).open("rb") as opened:
            return why_declined(path, opened.read(HEAD))
    except OSError as failure:
        return f"cannot be opened: {failure.strerror}"


def _counted(event: object) -> dict[str, int]:
    """What an event brought, in words for people."""
    match event:
        case Entries():
            cells = sum(int((column.kinds != Kind.ABSENT).sum()) for column in event.columns.values())
            return {"metric values" if event.phase is not None else "measurements": cells}
        case Metrics():
            return {"metric values": len(event.values)}
        case Measured():
            return {"measurements": len(event.values)}
        case Completions():
            return {"generations": len(event.rows)}
        case Checkpoint():
            return {"checkpoints": 1}
        case _:
            return {"facts": 1}


def _in_words(problem: ReadProblem) -> str:
    times = f" ({problem.count} times)" if problem.count > 1 else ""
    line = f"line {problem.line}: " if problem.line else ""
    return f"{line}{problem.message}{times}"


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
