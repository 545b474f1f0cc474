"""The files a report was made from, with their sizes and hashes, so that somebody else can tell whether they have the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rldk_tui.events import Origin

LARGEST = 512 * 1024 * 1024
"""Bytes that are hashed for a report, a second or two; what comes after them is named without a hash."""


@dataclass(frozen=True, slots=True)
class Source:
    """Files of one format that were read.

    Attributes:
        example: The path of the first, relative to the run directory.
        files: How many there are.
        bytes: Of all that are still there.
        sha256: Of the one file; of several the hash of their list as `sha256sum` prints it in the order of their paths.
            None where a file is gone, or more is there than is hashed.
    """

    format: str
    example: str
    files: int
    bytes: int
    sha256: str | None


def sources(run: Path, origins: Iterable[Origin], largest: int = LARGEST) -> Iterator[Source]:
    """By format, small files first.

    Args:
        run: The run directory.
        origins: What was read, with paths relative to it.
        largest: Bytes that are hashed at most.
    """
    by_format: dict[str, list[str]] = {}
    for origin in origins:
        by_format.setdefault(origin.format, []).append(origin.source)
    sizes = {name: sum(_size(run / path) for path in paths) for name, paths in by_format.items()}
    left = largest
    for name, paths in sorted(by_format.items(), key=lambda entry: (sizes[entry[0]], entry[0])):
        found = _hash(run, sorted(paths)) if sizes[name] <= left else None
        left -= sizes[name] if found is not None else 0
        yield Source(name, min(paths), len(paths), sizes[name], found)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _hash(run: Path, paths: Sequence[str]) -> str | None:
    lines = []
    for path in paths:
        try:
            with (run / path).open("rb") as file:
                lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path}\n")
        except OSError:
            return None
    if len(lines) == 1:
        return lines[0].split()[0]
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
