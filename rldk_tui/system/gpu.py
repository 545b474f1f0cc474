"""GPUs through NVML, the library `nvidia-smi` asks: all processes together, whatever CUDA_VISIBLE_DEVICES says.

A handle a GPU is kept open, since opening one costs more than every question put to it. The list of processes on a GPU
is never asked for: it takes milliseconds. A machine without a GPU or driver has no GPUs; a value that a GPU does not tell
(power on some laptops, utilisation under MIG) is None.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pynvml

from rldk_tui.events import Gpu

_MILLIWATTS = 1000


@dataclass(frozen=True, slots=True)
class OpenGpu:
    """A GPU that can be asked; `handle` is NVML's."""

    index: int
    name: str | None
    handle: Any


def ask(question: Callable[..., Any], *arguments: Any) -> Any:
    """NVML's answer, or None where it has none."""
    try:
        return question(*arguments)
    except (pynvml.NVMLError, OSError, UnicodeDecodeError):
        return None


def _text(answer: str | bytes | None) -> str | None:
    """Older bindings answer in bytes."""
    return answer.decode(errors="replace") if isinstance(answer, bytes) else answer


@lru_cache(maxsize=1)
def open_gpus(_pid: int) -> tuple[OpenGpu, ...]:
    """Every GPU of the machine. Kept by process: handles do not survive a fork."""
    try:
        pynvml.nvmlInit()
        count = int(pynvml.nvmlDeviceGetCount())
    except (pynvml.NVMLError, OSError):
        return ()
    handles = ((index, ask(pynvml.nvmlDeviceGetHandleByIndex, index)) for index in range(count))
    return tuple(
        OpenGpu(index, _text(ask(pynvml.nvmlDeviceGetName, handle)), handle) for index, handle in handles if handle is not None
    )


def _read(gpu: OpenGpu) -> Gpu:
    memory = ask(pynvml.nvmlDeviceGetMemoryInfo, gpu.handle)
    rates = ask(pynvml.nvmlDeviceGetUtilizationRates, gpu.handle)
    power = ask(pynvml.nvmlDeviceGetPowerUsage, gpu.handle)
    heat = ask(pynvml.nvmlDeviceGetTemperature, gpu.handle, pynvml.NVML_TEMPERATURE_GPU)
    return Gpu(
        index=gpu.index,
        name=gpu.name,
        memory_used=None if memory is None else int(memory.used),
        memory_total=None if memory is None else int(memory.total),
        utilization_percent=None if rates is None else float(rates.gpu),
        power_watts=None if power is None else float(power) / _MILLIWATTS,
        temperature_celsius=None if heat is None else float(heat),
    )


def read_gpus() -> tuple[Gpu, ...]:
    """Every GPU of this machine now; empty where there is none."""
    return tuple(_read(gpu) for gpu in open_gpus(os.getpid()))


def driver_version() -> str | None:
    """The NVIDIA driver's version; None where there is no GPU."""
    return _text(ask(pynvml.nvmlSystemGetDriverVersion)) if open_gpus(os.getpid()) else None
