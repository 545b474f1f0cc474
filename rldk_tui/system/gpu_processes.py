"""Which processes use a GPU, and which of them are a training's. For whoever looks on: the question takes milliseconds."""

from __future__ import annotations

import os
from dataclasses import dataclass

import psutil
import pynvml

from rldk_tui.system.gpu import ask, open_gpus


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """One process on one GPU.

    Attributes:
        pid: As the machine counts processes, which inside a container may be another number than the process knows.
        memory: Bytes; None where the driver does not tell (in some containers, under MIG).
        name: None where the process cannot be seen from here.
    """

    gpu: int
    pid: int
    memory: int | None
    name: str | None


def gpu_processes() -> tuple[GpuProcess, ...]:
    """Every process that computes on a GPU of this machine; empty where there is none."""
    found = []
    for gpu in open_gpus(os.getpid()):
        for process in ask(pynvml.nvmlDeviceGetComputeRunningProcesses, gpu.handle) or ():
            memory = process.usedGpuMemory
            found.append(GpuProcess(gpu.index, int(process.pid), None if memory is None else int(memory), _name(process.pid)))
    return tuple(found)


def family_of(pid: int, *, siblings: bool = False) -> frozenset[int]:
    """A process and everything it started; with `siblings`, what its parent started too: the other ranks of a launcher."""
    try:
        process = psutil.Process(pid)
        head = process.parent() if siblings else None
        members = [process, *process.children(recursive=True)]
        if head is not None and head.pid > 1:
            members += [
                member for child in head.children() if _same_program(child, process) for member in (child, *child.children())
            ]
        return frozenset(member.pid for member in members)
    except (psutil.Error, OSError, OverflowError, ValueError):
        return frozenset({pid})


def _same_program(one: psutil.Process, other: psutil.Process) -> bool:
    try:
        return bool(one.cmdline() == other.cmdline())
    except (psutil.Error, OSError):
        return False


def _name(pid: int) -> str | None:
    try:
        return str(psutil.Process(pid).name())
    except (psutil.Error, OSError, OverflowError, ValueError):
        return None
