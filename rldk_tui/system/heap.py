"""Memory that this process has freed and the C library keeps."""

from __future__ import annotations

import ctypes
from contextlib import suppress


def give_back_freed_memory() -> None:
    """Hand it to the system where the library can (glibc); after a long log was judged that is most of the process."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
