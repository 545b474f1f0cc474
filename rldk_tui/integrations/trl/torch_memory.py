"""GPU memory as this process's torch counts it; asked only of a torch that has already started CUDA."""

from __future__ import annotations

import sys

import msgspec

from rldk_tui.events import System


def with_torch_memory(sample: System) -> System:
    """The same sample with torch's bytes on the current device; unchanged where CUDA was never used.

    Peak is since the process (or whoever called `reset_peak_memory_stats`) began: it is read and never reset.
    """
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    if cuda is None or not cuda.is_initialized():
        return sample
    return msgspec.structs.replace(
        sample,
        torch_allocated=int(cuda.memory_allocated()),
        torch_reserved=int(cuda.memory_reserved()),
        torch_peak=int(cuda.max_memory_allocated()),
    )
