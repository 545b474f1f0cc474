"""Where the columns of a long run lie: in files of no name, so that they are the page cache's and not the process's memory.

A run of 1,000,000 rows of 40 metrics takes 380 MB. Arrays up to `SHORT` elements are ordinary ones; longer ones are mapped
from a file in the user's cache folder that has no name and vanishes with the process. `release` hands their pages back: what
is read again later comes from the page cache, or from disk where memory was needed for something else. So a monitor's own
memory is bounded by `SHORT` rows (some 45 MB at 40 metrics) and what it reads at the time, not by the length of the run.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHORT = 1 << 17
"""Elements up to which an array lies in the process's own memory."""
_CHUNK = 64 * 1024 * 1024
_ALIGNED = 64


def cache_folder() -> Path:
    """The folder for what can be made again: `$XDG_CACHE_HOME/rldk`, `~/.cache/rldk` without that."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rldk"


class LongArrays:
    """Gives out arrays, and hands the pages of the long ones back when told to."""

    def __init__(self) -> None:
        self._chunk: mmap.mmap | None = None
        self._used = 0
        self._mapped: list[weakref.ref[mmap.mmap]] = []

    def empty(self, length: int, dtype: type) -> NDArray[Any]:
        """An array of this length and any content; what is never written takes no memory."""
        size = length * np.dtype(dtype).itemsize
        place = self._place(size) if length > SHORT else None
        if place is None:
            return np.empty(length, dtype)
        chunk, offset = place
        array: NDArray[Any] = np.frombuffer(chunk, dtype, length, offset)
        return array

    def watch(self, array: NDArray[Any]) -> None:
        """Hand back the pages of an array that lies in somebody else's mapping too."""
        base: Any = array
        while isinstance(base, np.ndarray | memoryview):
            base = base.obj if isinstance(base, memoryview) else base.base
        if isinstance(base, mmap.mmap) and all(known() is not base for known in self._mapped):
            self._mapped.append(weakref.ref(base))

    def release(self) -> None:
        """Let the system have the pages of all long arrays; their content stays."""
        alive = [(reference, chunk) for reference in self._mapped if (chunk := reference()) is not None]
        self._mapped = [reference for reference, _ in alive]
        for _, chunk in alive:
            chunk.madvise(mmap.MADV_DONTNEED)

    def _place(self, size: int) -> tuple[mmap.mmap, int] | None:
        """A chunk and a free place in it; None where no file can be had."""
        if self._chunk is None or self._used + size > len(self._chunk):
            self._chunk, self._used = _mapped(max(_CHUNK, size)), 0
            if self._chunk is None:
                return None
            self._mapped.append(weakref.ref(self._chunk))
        offset = self._used
        self._used += -(-size // _ALIGNED) * _ALIGNED
        return self._chunk, offset


def _mapped(size: int) -> mmap.mmap | None:
    """A mapping of a new file without a name, its blocks reserved: a full disk is noticed here and not on writing."""
    if not (hasattr(os, "posix_fallocate") and hasattr(mmap, "MADV_DONTNEED")):
        return None
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, size)
            return mmap.mmap(file.fileno(), size)
    except (OSError, ValueError):
        return None
