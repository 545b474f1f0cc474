"""What a growing file grew by since the last look, whatever happened to it in between.

The file is opened anew for each look and left closed: nothing is held on a file that may be rotated away or live on NFS.
A file that shrank, was replaced by another, or whose beginning reads differently is read from its beginning again, and
the caller is told, because what was read of it before is no longer there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PIECE = 8 * 1024 * 1024
_FINGERPRINT = 256


@dataclass(frozen=True, slots=True)
class _Seen:
    device: int
    inode: int
    size: int
    changed: int


class Tail:
    """Follows one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._beginning = b""
        self._seen: _Seen | None = None

    def restarted(self) -> bool:
        """Whether what was read so far is no longer the beginning of the file.

        Raises:
            OSError: if the file cannot be looked at.
        """
        if self._offset == 0:
            return False
        now = _look(self._path)
        if now == self._seen:
            return False
        if now.size < self._offset:
            return True
        with self._path.open("rb") as file:
            return file.read(len(self._beginning)) != self._beginning

    def behind(self) -> bool:
        """Whether the file was longer at the last look than what was read of it.

        Raises:
            OSError: if the file cannot be looked at.
        """
        return _look(self._path).size > self._offset

    def length(self) -> int:
        """Bytes that the file has; what was read of it where it cannot be looked at."""
        try:
            return max(self._offset, _look(self._path).size)
        except OSError:
            return self._offset

    @property
    def offset(self) -> int:
        """Bytes of the file that were read."""
        return self._offset

    def go_on_from(self, offset: int) -> None:
        """Take what lies before this place as read."""
        self._offset = offset

    def read(self) -> Iterator[bytes]:
        """What the file grew by, in pieces; nothing if it did not change.

        Raises:
            OSError: if the file cannot be read; what was yielded before counts as read.
        """
        now = _look(self._path)
        if now == self._seen:
            return
        with self._path.open("rb") as file:
            if not self._beginning or len(self._beginning) < _FINGERPRINT:
                self._beginning = file.read(min(_FINGERPRINT, max(self._offset, now.size)))
            file.seek(self._offset)
            while piece := file.read(_PIECE):
                self._offset += len(piece)
                yield piece
        self._seen = now


def _look(path: Path) -> _Seen:
    facts = os.stat(path)  # noqa: PTH116 - the hot path of every idle poll; Path.stat costs twice as much
    return _Seen(facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)
