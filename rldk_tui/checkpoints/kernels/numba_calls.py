"""The first call of a compiled kernel for a format, which compiles it or loads what was compiled: one process at a time.

Numba numbers the files of its cache without a lock. Two processes that compile a kernel for two formats at once (a training's
checkpoint queue and a command line) may give both the same number, and every later process then loads the wrong one.
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numpy import ndarray

_called: set[tuple[Any, ...]] = set()


@contextlib.contextmanager
def _alone_with(cache: str | None) -> Iterator[None]:
    """Hold this cache folder's lock against other processes and threads; no lock where none can be had."""
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):
            if cache is not None:
                folder = Path(cache)
                folder.mkdir(parents=True, exist_ok=True)
                fcntl.flock(held.enter_context((folder / "rldk-kernels.lock").open("w")), fcntl.LOCK_EX)
        yield


def call(kernel: Any, *arguments: Any) -> Any:
    """What the compiled kernel returns for these arguments."""
    use = (kernel, *[argument.dtype for argument in arguments if type(argument) is ndarray])
    if use in _called:
        return kernel(*arguments)
    with _alone_with(kernel.stats.cache_path):
        found = kernel(*arguments)
    _called.add(use)
    return found
