"""The numbers of tensors, read from their files: mapped while nobody can cut the file short, else copied some at a time.

A process that touches a mapped page behind the end of its file is killed (SIGBUS), and no check before the touch is soon
enough. A read lease is (fcntl(2), F_SETLEASE): whoever wants to write or truncate the file waits until it is given back, which
is when the run of numbers in hand is done, some milliseconds later. There is none for a file that is already open for writing,
that belongs to another user or that lies on most network file systems. Such a file is copied, which a page cache gives half as
fast as a map and a network as fast as it can.
"""

from __future__ import annotations

import fcntl
import mmap
import signal
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from rldk_tui.checkpoints.file_problem import FileChangedError
from rldk_tui.checkpoints.stored_bytes import FileIdentity, fill, opened
from rldk_tui.checkpoints.tensors import StoredTensor

COPIED = 4 << 20
"""Tensors up to this many bytes are copied as a whole."""
_UNHEARD = signal.SIGURG
"""What tells of somebody who waits for a lease: a signal that nobody is ended by; it is asked for before each run instead."""


class Numbers(Protocol):
    """A tensor's numbers, flat and in order, in the type they are stored in. An array is such."""

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    def __getitem__(self, at: slice | NDArray[np.int64], /) -> NDArray[np.generic]:
        """A run of them, or those at some places; to be used before the next run is asked for.

        Raises:
            FileChangedError: if the file changed, or somebody is about to change it.
            OSError: if it cannot be read.
        """
        ...


class TensorReader:
    """Reads tensors from their files, each of which it opens once. For one thread; its numbers may be read by many."""

    def __init__(self) -> None:
        self._files: dict[Path, _File] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None, /) -> None:
        self._files.clear()
        self._open.close()

    def numbers(self, tensor: StoredTensor) -> Numbers:
        """The tensor's numbers, which are there until the reader is closed.

        Those of a small tensor are copied; so are those of one that does not lie in order, which takes its memory.

        Raises:
            FileChangedError: if the file is not the one whose header was read.
            OSError: if it cannot be opened or read.
        """
        stretch = tensor.stretch
        if not stretch.count:
            return np.empty(0, stretch.storage)
        file = self._files.get(stretch.path)
        if file is None:
            file = self._files[stretch.path] = self._open.enter_context(_File(stretch.path))
        file.check(stretch.identity)
        lying = _Lying(file, stretch.identity, stretch.offset, stretch.span, stretch.storage)
        if stretch.layout is not None:
            shape, strides = stretch.layout
            in_bytes = tuple(stride * stretch.storage.itemsize for stride in strides)
            return np.lib.stride_tricks.as_strided(lying[:], shape, in_bytes, writeable=False).flatten()
        return lying.copied(0, lying.size) if lying.size * stretch.storage.itemsize <= COPIED else lying


class _File:
    """An open file, and its lease."""

    def __init__(self, path: Path) -> None:
        self._open = ExitStack()
        self.descriptor = self._open.enter_context(opened(path))
        self._map: mmap.mmap | None = None
        self._lock = Lock()
        self._asked = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._map is not None:
            self._map = None
            fcntl.fcntl(self.descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        self._open.close()

    def check(self, identity: FileIdentity) -> None:
        if FileIdentity.of(self.descriptor) != identity:
            raise FileChangedError("the file changed since it was opened")

    def mapped(self) -> mmap.mmap | None:
        """The whole file; None if it must be copied.

        Raises:
            FileChangedError: if somebody waits to change it.
        """
        with self._lock:
            if not self._asked:
                self._map = self._leased()
                self._asked = True
        if self._map is not None and fcntl.fcntl(self.descriptor, fcntl.F_GETLEASE) != fcntl.F_RDLCK:
            raise FileChangedError("the file is about to be changed")
        return self._map

    def _leased(self) -> mmap.mmap | None:
        if not hasattr(fcntl, "F_SETLEASE"):
            return None
        try:
            fcntl.fcntl(self.descriptor, fcntl.F_SETSIG, _UNHEARD)
            fcntl.fcntl(self.descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError:
            return None
        try:
            return mmap.mmap(self.descriptor, 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError):
            fcntl.fcntl(self.descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
            return None


class _Lying:
    """Numbers where they lie in a file."""

    def __init__(self, file: _File, identity: FileIdentity, offset: int, size: int, storage: np.dtype[np.generic]) -> None:
        self._file = file
        self._identity = identity
        self._offset = offset
        self.size = size
        self._storage = storage

    def __getitem__(self, at: slice | NDArray[np.int64], /) -> NDArray[np.generic]:
        aligned = self._offset % self._storage.itemsize == 0  # kernels want that; a copy is
        whole = self._file.mapped() if aligned else None
        if whole is not None:
            self._file.check(self._identity)  # whoever was quicker than the lease
            return np.frombuffer(whole, self._storage, self.size, self._offset)[at]
        if isinstance(at, slice):
            begin, end, _ = at.indices(self.size)
            return self.copied(begin, max(begin, end))
        return np.concatenate([np.empty(0, self._storage), *(self.copied(place, place + 1) for place in at.tolist())])

    def copied(self, begin: int, end: int) -> NDArray[np.generic]:
        held = np.empty(end - begin, self._storage)
        fill(self._file.descriptor, held.view(np.uint8).data, self._offset + begin * self._storage.itemsize)
        self._file.check(self._identity)
        return held
