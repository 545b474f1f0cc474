"""What the machine and the training process take (rank 0's `system` events, by step)."""

from __future__ import annotations

from rldk_tui.metrics.metric import Metric

MACHINE: tuple[Metric, ...] = (
    Metric(name="system/process_rss", title="Process memory", unit="B"),
    Metric(name="system/host_memory_used", title="Host memory used", unit="B"),
    Metric(name="system/host_memory_total", title="Host memory", unit="B"),
    Metric(name="system/torch_reserved", title="GPU memory reserved by torch", unit="B"),
    Metric(name="system/gpu_memory_used", title="GPU memory used", unit="B"),
    Metric(name="system/gpu_memory_total", title="GPU memory", unit="B"),
    Metric(name="system/gpu_utilization", title="GPU utilisation", unit="%"),
    Metric(name="system/disk_free", title="Disk free", unit="B"),
)
