"""Bytes of files that others may be writing: only regular files are opened, and one that changes is an error, not a crash.

A file is known by its device, inode, size and time of change, which are compared before and after it is read. Bytes are taken
with `pread`: a file that ends too early is a short read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rldk_tui.checkpoints.file_problem import FileChangedError, NotAFileError

MAX_EMPTY_DIMENSION = 1 << 24
"""Largest dimension of a tensor without numbers: no vocabulary is larger, and nobody must reserve memory for its rows."""

_OTHER_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class FileIdentity(NamedTuple):
    """What must stay the same while a file is read; a change within one tick of the file system's clock is not seen."""

    device: int
    inode: int
    size: int
    changed_ns: int

    @classmethod
    def of(cls, descriptor: int) -> FileIdentity:
        """Of an open file."""
        found = os.fstat(descriptor)
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """A descriptor of a regular file, open for reading; nothing else is opened, and no pipe is waited for.

    Raises:
        NotAFileError: if something else lies there.
        OSError: if it cannot be opened.
    """
    _refuse_others(path.stat().st_mode)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _refuse_others(os.fstat(descriptor).st_mode)
        yield descriptor
    finally:
        os.close(descriptor)


def _refuse_others(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise NotAFileError(next((what for is_one, what in _OTHER_KINDS if is_one(mode)), "something else"))


def read_at(descriptor: int, offset: int, size: int) -> bytearray:
    """Exactly `size` bytes from `offset`.

    Raises:
        FileChangedError: if the file ends before.
    """
    buffer = bytearray(size)
    fill(descriptor, memoryview(buffer), offset)
    return buffer


def fill(descriptor: int, buffer: memoryview, offset: int) -> None:
    """Fill a buffer of bytes from `offset` on.

    Raises:
        FileChangedError: if the file ends before.
    """
    done = 0
    while done < len(buffer):
        got = os.preadv(descriptor, [buffer[done:]], offset + done)
        if not got:
            raise FileChangedError("the file is shorter than it was")
        done += got


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where the numbers of a tensor lie; it can be sent to another process.

    Attributes:
        path: The file.
        identity: Of the file when its header was read.
        offset: Of the first number, in bytes.
        count: How many numbers.
        storage: Their NumPy type.
        layout: Shape and strides (in numbers) of a tensor that does not lie in order, None if it does.
    """

    path: Path
    identity: FileIdentity
    offset: int
    count: int
    storage: np.dtype[np.generic]
    layout: tuple[tuple[int, ...], tuple[int, ...]] | None = None

    @property
    def span(self) -> int:
        """Numbers between the first and the last of it, both included."""
        return self.count if self.layout is None else span(*self.layout)

    def changed(self) -> bool:
        """Whether the file is no longer the one whose header was read."""
        try:
            with opened(self.path) as descriptor:
                return FileIdentity.of(descriptor) != self.identity
        except OSError:
            return True


def span(shape: tuple[int, ...], strides: tuple[int, ...]) -> int:
    """Numbers between the first and the last of a tensor with at least one, both included."""
    return 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
