"""Memory, CPU and disk of the machine as the kernel tells them, whatever limits a container has set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class HostUse:
    """Bytes, and percent of all cores together (100 is the whole machine busy). None is not measured."""

    memory_used: int | None = None
    memory_total: int | None = None
    cpu_percent: float | None = None
    disk_free: int | None = None
    disk_total: int | None = None


def read_host(folder: Path) -> HostUse:
    """What the machine uses now, with the disk that `folder` lies on; CPU is the mean since the previous call."""
    used, total = _memory()
    free, size = _disk(folder)
    return HostUse(memory_used=used, memory_total=total, cpu_percent=_cpu.read(), disk_free=free, disk_total=size)


def _memory() -> tuple[int | None, int | None]:
    """Used is what a new process could not have: caches that the kernel would give back are not counted."""
    try:
        memory = psutil.virtual_memory()
    except (psutil.Error, OSError):
        return None, None
    return int(memory.total) - int(memory.available), int(memory.total)


def _disk(folder: Path) -> tuple[int | None, int | None]:
    """Free is what this user may still write."""
    try:
        disk = psutil.disk_usage(str(folder))
    except OSError:
        return None, None
    return int(disk.free), int(disk.total)


class _HostCpu:
    """psutil measures CPU between two calls, and answers 0.0 to the first."""

    def __init__(self) -> None:
        self._has_measured = False

    def read(self) -> float | None:
        try:
            percent = float(psutil.cpu_percent(None))
        except (psutil.Error, OSError):
            return None
        first, self._has_measured = not self._has_measured, True
        return None if first else percent


_cpu = _HostCpu()
