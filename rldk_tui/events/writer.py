"""Appends events to a log file from inside somebody else's training process.

One `write` a line on a descriptor opened for appending: nothing is buffered, so a killed process loses nothing that was
logged, and two writers never cut into each other's lines. No fsync: it costs 40 times the write and guards only against
the machine itself going down.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from rldk_tui.events.schema import Event
from rldk_tui.events.wire import encode_line

NOT_ENCODED = (TypeError, ValueError, OverflowError, RecursionError)
"""What `encode_lines` may raise for a value that no line can hold."""


def encode_lines(events: Iterable[Event]) -> bytes:
    """The lines of these events; a thread that makes them need not keep the others from writing meanwhile.

    Raises:
        TypeError, ValueError, OverflowError, RecursionError: for a value that no line can hold.
    """
    return b"".join(map(encode_line, events))


class EventWriter:
    """One rank's event log, opened on the first append.

    `append` never raises: a full disk, a deleted folder or a value that cannot be encoded is counted in `lost` and kept in
    `problem`, and writing goes on with the next event.

    Attributes:
        lost: Events that could not be written so far.
        problem: What went wrong last, or None.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lost = 0
        self.problem: str | None = None
        self._descriptor: int | None = None
        self._torn = False

    def append(self, *events: Event) -> bool:
        """Write each event as one whole line, all in one write; False if they were lost."""
        try:
            lines = encode_lines(events)
        except NOT_ENCODED as failure:
            return self.missed(failure, len(events))
        return self.append_lines(lines, len(events))

    def append_lines(self, lines: bytes, count: int) -> bool:
        """Write what `encode_lines` made of this many events, in one write; False if they were lost."""
        try:
            self._write(lines)
        except (OSError, ValueError) as failure:
            self._reopen_next_time(failure)
            return self.missed(failure, count)
        return True

    def missed(self, failure: Exception, count: int) -> bool:
        """Count events that could not be written, or made lines of; always False."""
        self.lost += count
        self.problem = f"{type(failure).__name__}: {failure}"
        return False

    def _write(self, line: bytes) -> None:
        if self._descriptor is not None and os.fstat(self._descriptor).st_nlink == 0:
            self.close()  # the file was deleted under us: writing on would lose every line without an error
        if self._descriptor is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
            self._descriptor = os.open(self.path, flags, 0o644)
            self._torn = self._ends_inside_a_line()
        if self._torn:  # a line that was cut short (disk full, killed writer) must not swallow this one
            line = b"\n" + line
        written = os.write(self._descriptor, line)
        self._torn = written != len(line)
        if self._torn:
            raise OSError(f"only {written} of {len(line)} bytes were written")

    def _ends_inside_a_line(self) -> bool:
        try:
            with self.path.open("rb") as log:
                if log.seek(0, os.SEEK_END) == 0:
                    return False
                log.seek(-1, os.SEEK_END)
                return log.read(1) != b"\n"
        except OSError:
            return False

    def _reopen_next_time(self, failure: Exception) -> None:
        """A descriptor on a vanished or stale file would fail for ever (ESTALE on NFS, EIO)."""
        if isinstance(failure, OSError) and not self._torn:
            self.close()

    def close(self) -> None:
        """Close the file; a later append opens it again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            try:
                os.close(descriptor)
            except OSError as failure:
                self.problem = f"{type(failure).__name__}: {failure}"

    def __enter__(self) -> EventWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
