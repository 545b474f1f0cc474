"""This machine beside a run that lives on it: what the log cannot tell, such as whose the memory of a GPU is."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil
from msgspec.structs import replace

from rldk_tui.events import RunState, System
from rldk_tui.session import RunHealth
from rldk_tui.system import process_is_alive, sample
from rldk_tui.system.gpu_processes import GpuProcess, family_of, gpu_processes

EVERY = 5.0
"""Seconds between two looks: numbers that move every second keep a quiet screen busy."""
_RUNNING = frozenset({RunState.WAITING, RunState.LIVE, RunState.SLOW, RunState.STALLED})


@dataclass(frozen=True, slots=True)
class Machine:
    """One look at this machine.

    Attributes:
        taken: GPUs, host and disk; of the training's process its memory and CPU, where it can be seen.
        processes: Who computes on the GPUs.
        own: The training's processes.
    """

    taken: System
    processes: tuple[GpuProcess, ...]
    own: frozenset[int]


class MachineNow:
    """Looks once in a while. For one thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = float("-inf")
        self._known: Machine | None = None
        self._process: psutil.Process | None = None

    def beside(self, health: RunHealth, host: str) -> Machine | None:
        """This machine now; None where the run is over or lives elsewhere."""
        snapshot = health.snapshot
        elsewhere = snapshot.info.host is not None and snapshot.info.host not in (host, socket.gethostname())
        if elsewhere or snapshot.state not in _RUNNING:
            return None
        if self._clock() >= self._next:
            self._next = self._clock() + EVERY
            self._known = self._look(health)
        return self._known

    def _look(self, health: RunHealth) -> Machine:
        info = health.snapshot.info
        taken = sample(health.snapshot.step, folder=health.directory)
        pid = info.pid if process_is_alive(info.pid, info.host, info.started_at) else None
        own = frozenset() if pid is None else family_of(pid, siblings=info.world_size > 1)
        memory, cpu = self._training(pid)
        taken = replace(taken, process_rss=memory, process_vms=None, process_cpu_percent=cpu)
        return Machine(taken, gpu_processes() if taken.gpus else (), own)

    def _training(self, pid: int | None) -> tuple[int | None, float | None]:
        """Memory and CPU of the training's process; the first look at it has no CPU."""
        if pid is None:
            return None, None
        try:
            known = self._process if self._process is not None and self._process.pid == pid else None
            process = self._process = known or psutil.Process(pid)
            percent = float(process.cpu_percent(None))
            return int(process.memory_info().rss), None if known is None else percent
        except (psutil.Error, OSError, OverflowError):
            self._process = None
            return None, None
