"""This machine: GPUs, host, and a training process, as plain numbers.

`sample` is what a training process calls about once a second. One file a source; each answers `None` (or an empty
tuple) for what it cannot measure and never raises. Floor: beside `checkpoints` and `charts`; imports no training framework.
To add a source: a file here, a field in `events.System`, a line in `sample`.
"""

from __future__ import annotations

import time
from pathlib import Path

from rldk_tui.events import Gpu, System
from rldk_tui.system.gpu import read_gpus
from rldk_tui.system.hardware import hardware_facts
from rldk_tui.system.host import read_host
from rldk_tui.system.liveness import process_is_alive
from rldk_tui.system.process import read_process

__all__ = ["hardware_facts", "process_is_alive", "read_gpus", "read_host", "read_process", "sample"]


def sample(step: int | None, rank: int = 0, folder: Path | None = None, *, with_gpus: bool = True) -> System:
    """The machine and this process now.

    Args:
        step: The optimizer step it is taken at.
        rank: The rank of this process.
        folder: A folder on the disk that the run fills; the current one by default.
        with_gpus: Whether to ask NVML, which lists every GPU of the machine: one process a machine is enough.

    Returns:
        Memory and disk in bytes. Percentages need two samples: the first of a process has none.
    """
    process = read_process()
    host = read_host(folder or Path())
    gpus: tuple[Gpu, ...] = read_gpus() if with_gpus else ()
    return System(
        time=time.time(),
        step=step,
        rank=rank,
        process_rss=process.rss,
        process_vms=process.vms,
        process_cpu_percent=process.cpu_percent,
        host_memory_used=host.memory_used,
        host_memory_total=host.memory_total,
        host_cpu_percent=host.cpu_percent,
        disk_free=host.disk_free,
        disk_total=host.disk_total,
        gpus=gpus,
    )
