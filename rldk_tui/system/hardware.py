"""What the run was made on: facts that hold from its first step to its last."""

from __future__ import annotations

import platform

import psutil

from rldk_tui.events import Json
from rldk_tui.system.gpu import driver_version, read_gpus


def hardware_facts() -> dict[str, Json]:
    """The machine's facts by name, memory in bytes; what could not be found out is left out."""
    facts: dict[str, Json] = {
        "platform": platform.system(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "cpus": psutil.cpu_count(logical=True),
        "memory_total": _memory_total(),
        "gpus": [{"index": gpu.index, "name": gpu.name, "memory_total": gpu.memory_total} for gpu in read_gpus()],
        "nvidia_driver": driver_version(),
    }
    return {name: fact for name, fact in facts.items() if fact not in (None, "", [])}


def _memory_total() -> int | None:
    try:
        return int(psutil.virtual_memory().total)
    except (psutil.Error, OSError):
        return None
