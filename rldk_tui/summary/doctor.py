"""What `rldk doctor` tells: what is installed and what for, and which file of a run is read by whom."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePath

from rldk_tui.events import Checkpoint, Completions, Measured, Metrics, ReadProblem
from rldk_tui.events.entries import Entries, Kind
from rldk_tui.ingest import Follower
from rldk_tui.ingest.declined import why_declined
from rldk_tui.ingest.discovery import Discovery
from rldk_tui.readers import HEAD

_NUMBER = re.compile(r"\d+")
_MANY = 3
"""Files alike from which on they share a line."""
_PIECE = 16 * 1024 * 1024
LIBRARIES = (
    ("weasyprint", "weasyprint", "the PDF report", "pip install weasyprint; apt-get install libpango-1.0-0 libpangoft2-1.0-0"),
    ("pynvml", "nvidia-ml-py", "GPU memory, utilisation and power", "pip install nvidia-ml-py"),
    ("numba", "numba", "checkpoint statistics at the speed of memory", "pip install 'rldk-tui[fast]'"),
    ("torch", "torch", ".bin/.pt checkpoints, optimizer states, and the callback", "pip install 'rldk-tui[trl]'"),
    ("trl", "trl", "the callback and rldk train", "pip install 'rldk-tui[trl]'"),
    ("ray", "ray", "rldk checkpoints --executor ray", "pip install 'rldk-tui[ray]'"),
    ("textual_serve", "textual-serve", "rldk-tui --serve", "pip install 'rldk-tui[serve]'"),
)
"""Module, distribution, what it is for, what brings it."""
_HEAVY = frozenset({"torch", "trl", "ray", "numba"})
"""Not imported to see whether they are there: that takes seconds."""


@dataclass(frozen=True, slots=True)
class Library:
    """One optional library.

    Attributes:
        version: None if it is not installed.
        trouble: Why it is installed and cannot be used, or "".
    """

    name: str
    purpose: str
    version: str | None
    remedy: str
    trouble: str = ""


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


def libraries() -> list[Library]:
    """Every optional library, installed or not."""
    found = []
    for module, distribution, purpose, remedy in LIBRARIES:
        try:
            version: str | None = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            version = None
        found.append(Library(distribution, purpose, version, remedy, _trouble(module) if version else ""))
    return found


def _trouble(module: str) -> str:
    """Why an installed library cannot be used: WeasyPrint without Pango, for one."""
    if module in _HEAVY:
        return ""
    try:
        importlib.import_module(module)
    except (ImportError, OSError) as failure:
        return str(failure).strip().split("\n", 1)[0][:200]
    return ""


def sources(run: Path) -> list[Source]:
    """Every file of a run directory: the claimed ones with what was read from them, then the others with the reason why not."""
    told: dict[str, Counter[str]] = {}
    follower = Follower(run)
    while True:
        batch = follower.poll(_PIECE)
        for event, origin in batch.events:
            counts = told.setdefault(origin.source, Counter())
            counts.update(_counted(event))
        if not batch.more:
            break
    remarks: dict[str, list[str]] = {}
    for problem in batch.problems:
        remarks.setdefault(problem.source, []).append(_in_words(problem))
    claimed = [
        Source(
            path=origin.source,
            size=_size(run / origin.source),
            format=origin.format,
            told=tuple(told.get(origin.source, Counter()).most_common()),
            remark="; ".join(remarks.pop(origin.source, [])),
        )
        for origin in follower.sources()
    ]
    return [*claimed, *_unclaimed(run, {source.path for source in claimed}, remarks)]


def grouped(found: list[Source]) -> list[Source]:
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
            return "it is a pipe, a device or a socket, which is never opened"
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
