"""The bytes of one tensor in a file, taken so that a file that changes under the reader is an error, not a crash.

A mapped file that is truncated in place kills whoever touches the lost pages (SIGBUS), and Python cannot catch that. So:

- A tensor of at most `COPIED` bytes is copied with `pread`, which cannot crash: a short read is a `FileChangedError`. The
  copy costs about 15 % of a bare sum over the mapped file (4.8 against 5.6 GB/s on one core); for larger tensors, whose
  fresh memory falls out of the caches, it costs half and the memory of the tensor, so these are mapped.
- Before every tensor the file's device, inode, size and time of change are compared with those it was opened with. What
  remains is a truncation in place while one large tensor is being gone through. Writers that replace a file by renaming
  (safetensors' own do) or remove it leave the mapped inode whole, and nothing happens; for one that truncates, look at the
  checkpoint in a process of its own, as the monitor does.
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
from numpy.typing import NDArray

from rldk_tui.checkpoints.file_problem import FileChangedError, NotAFileError

COPIED = 4 << 20
"""Tensors up to this many bytes are copied instead of mapped."""
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
    _fill(descriptor, memoryview(buffer), offset)
    return buffer


def _fill(descriptor: int, buffer: memoryview, offset: int) -> None:
    done = 0
    while done < len(buffer):
        got = os.preadv(descriptor, [buffer[done:]], offset + done)
        if not got:
            raise FileChangedError("the file is shorter than it was")
        done += got


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where the numbers of a tensor lie; called, it gives them, flat. It can be sent to another process.

    Attributes:
        path: The file.
        identity: Of the file when its header was read.
        offset: Of the first number, in bytes.
        count: How many numbers.
        storage: Their NumPy type.
        layout: Shape and strides (in numbers) of a tensor that does not lie in order, None if it does; the numbers of such
            a one are copied into order, which takes the memory of the tensor.
    """

    path: Path
    identity: FileIdentity
    offset: int
    count: int
    storage: np.dtype[np.generic]
    layout: tuple[tuple[int, ...], tuple[int, ...]] | None = None

    def __call__(self) -> NDArray[np.generic]:
        """The numbers, shape (count,); a view of the mapped file where they are larger than `COPIED` and lie in order.

        Raises:
            FileChangedError: if the file is not the one whose header was read, or changes meanwhile.
            OSError, ValueError: if it cannot be opened or mapped.
        """
        if not self.count:
            return np.empty(0, self.storage)
        with opened(self.path) as descriptor:
            self._check(descriptor)
            if self._span * self.storage.itemsize > COPIED:
                lying = self._mapped(descriptor)
            else:
                lying = np.empty(self._span, self.storage)
                _fill(descriptor, lying.view(np.uint8).data, self.offset)
                self._check(descriptor)
        if self.layout is None:
            return lying
        shape, strides = self.layout
        in_bytes = tuple(stride * self.storage.itemsize for stride in strides)
        return np.lib.stride_tricks.as_strided(lying, shape, in_bytes, writeable=False).flatten()

    @property
    def _span(self) -> int:
        """Numbers between the first and the last of it, both included."""
        if self.layout is None:
            return self.count
        return span(*self.layout)

    def _mapped(self, descriptor: int) -> NDArray[np.generic]:
        with os.fdopen(os.dup(descriptor), "rb") as file:
            mapped = np.memmap(file, dtype=self.storage, mode="r", offset=self.offset, shape=(self._span,))
        return mapped.view(np.ndarray)

    def _check(self, descriptor: int) -> None:
        if FileIdentity.of(descriptor) != self.identity:
            raise FileChangedError("the file changed since it was opened")

    def changed(self) -> bool:
        """Whether the file is no longer the one whose header was read."""
        try:
            with opened(self.path) as descriptor:
                self._check(descriptor)
        except OSError:
            return True
        return False


def span(shape: tuple[int, ...], strides: tuple[int, ...]) -> int:
    """Numbers between the first and the last of a tensor with at least one, both included."""
    return 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
