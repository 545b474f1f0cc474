"""The machine the training runs on, as the training process last measured it."""

from __future__ import annotations

import numpy as np

from rldk_tui.charts.format import NOTHING, age, count, gibibytes, number, size
from rldk_tui.charts.growing import shape_of
from rldk_tui.charts.sparkline import sparkline
from rldk_tui.events import Gpu, RunState, System
from rldk_tui.tui.cells import Box, Drawing, Line, Span, Tone, cut, line
from rldk_tui.tui.panels import Panel, Place
from rldk_tui.tui.view import View

_BAR = 12
_TREND = 12
_OVER = frozenset({RunState.FINISHED, RunState.DIED, RunState.UNKNOWN})


def draw(view: View, box: Box) -> Drawing:
    """GPUs, torch's memory, the training process and its host."""
    samples = view.health.snapshot.system
    if not samples:
        return Drawing((line(Span("Not measured: RLDKCallback records memory, GPU and CPU.", Tone.DIM)),))
    newest = _newest_by_rank(samples)
    first = newest[min(newest)]
    gpus = {gpu.index: gpu for sample in newest.values() for gpu in sample.gpus}
    rows = [_gpu(gpu) for _, gpu in sorted(gpus.items())] or [line(Span("No GPU seen.", Tone.DIM))]
    rows += _torch(first)
    rows += _process(first, samples, box, len(newest))
    rows += _host(first)
    return Drawing(tuple(cut(row, box.width) for row in rows), note=_when(view, first))


def _newest_by_rank(samples: tuple[System, ...]) -> dict[int, System]:
    newest: dict[int, System] = {}
    for sample in reversed(samples[-1024:]):
        newest.setdefault(sample.rank, sample)
    return newest


def _when(view: View, sample: System) -> str:
    """Numbers of a run that is over, or of another machine, are no picture of this one now."""
    snapshot = view.health.snapshot
    elsewhere = snapshot.info.host is not None and snapshot.info.host != view.host
    notes = [f"on {snapshot.info.host}"] if elsewhere else []
    if snapshot.state in _OVER:
        notes.append(f"recorded {age(snapshot.taken_at - sample.time)} ago")
    return " · ".join(notes)


def _gpu(gpu: Gpu) -> Line:
    name = (gpu.name or "").removeprefix("NVIDIA ")
    used, total = gpu.memory_used, gpu.memory_total
    share = used / total if used is not None and total else None
    lit = 0 if share is None else round(_BAR * min(1.0, share))
    facts = [
        f"util {number(gpu.utilization_percent)} %" if gpu.utilization_percent is not None else None,
        f"{number(gpu.power_watts)} W" if gpu.power_watts is not None else None,
        f"{number(gpu.temperature_celsius)} °C" if gpu.temperature_celsius is not None else None,
    ]
    return line(
        Span(f"GPU{gpu.index} {name}  ".replace("   ", "  "), Tone.STRONG),
        Span(f"{gibibytes(used)}/{gibibytes(total)} GiB "),
        Span("█" * lit, Tone.CHART),
        Span("░" * (_BAR - lit), Tone.DIM),
        Span("  " + "  ".join(fact for fact in facts if fact)),
    )


def _torch(sample: System) -> list[Line]:
    parts = [
        ("allocated", sample.torch_allocated),
        ("reserved", sample.torch_reserved),
        ("peak", sample.torch_peak),
    ]
    known = [f"{name} {gibibytes(value)}" for name, value in parts if value is not None]
    return [line(Span("torch    ", Tone.DIM), f"{' · '.join(known)} GiB")] if known else []


def _process(sample: System, samples: tuple[System, ...], box: Box, ranks: int) -> list[Line]:
    if sample.process_rss is None:
        return []
    memory = [item.process_rss for item in samples if item.rank == sample.rank and item.process_rss is not None]
    values = np.array(memory, dtype=np.float64)
    drawn = sparkline(shape_of(np.arange(values.size), values, np.zeros(values.size, bool)), _TREND, box.glyphs)
    cpu = f"  cpu {number(sample.process_cpu_percent)} %" if sample.process_cpu_percent is not None else ""
    rank = f"  rank {sample.rank} of {count(ranks)}" if ranks > 1 else ""
    return [
        line(
            Span("process  ", Tone.DIM),
            f"{gibibytes(sample.process_rss)} GiB RSS ",
            Span(drawn.text, Tone.CHART),
            cpu,
            Span(rank, Tone.DIM),
        )
    ]


def _host(sample: System) -> list[Line]:
    memory = f"{gibibytes(sample.host_memory_used)}/{gibibytes(sample.host_memory_total)} GiB"
    parts = [memory] if sample.host_memory_total else []
    parts += [f"cpu {number(sample.host_cpu_percent)} %"] if sample.host_cpu_percent is not None else []
    if sample.disk_free is not None:
        parts.append(f"disk {size(sample.disk_free)} free")
    return [line(Span("host     ", Tone.DIM), "  ".join(parts) or NOTHING)] if parts else []


def _wants(view: View, width: int) -> int:
    return len(draw(view, Box(width)).lines)


PANEL = Panel(name="machine", key="4", order=4, place=Place.RIGHT, least=2, wants=_wants, draw=draw)
