"""The memory and CPU of this process alone: data-loader workers and servers it started are not counted.

`memory_info` reads one small file; `memory_full_info` walks every page and takes milliseconds, so it has no place here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache

import psutil


@dataclass(frozen=True, slots=True)
class ProcessUse:
    """Bytes, and percent of one core (400 is four cores busy). None is not measured."""

    rss: int | None = None
    vms: int | None = None
    cpu_percent: float | None = None


class _OwnProcess:
    """psutil measures CPU between two calls on the same object, and answers 0.0 to the first."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._has_measured = False

    def read(self) -> ProcessUse:
        memory = self._process.memory_info()
        percent = float(self._process.cpu_percent(None))
        first, self._has_measured = not self._has_measured, True
        return ProcessUse(rss=int(memory.rss), vms=int(memory.vms), cpu_percent=None if first else percent)


@lru_cache(maxsize=1)
def _own_process(pid: int) -> _OwnProcess:
    """Kept by pid, so that a forked child measures itself and not its parent."""
    return _OwnProcess(pid)


def read_process() -> ProcessUse:
    """What this process uses now; CPU is the mean since the previous call."""
    try:
        return _own_process(os.getpid()).read()
    except (psutil.Error, OSError):
        return ProcessUse()
