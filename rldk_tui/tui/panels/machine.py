"""The machine the training runs on: as it is now where it is this one, else as the training process last measured it."""

from __future__ import annotations

import numpy as np

from rldk_tui.charts.format import age, count, gibibytes, number, size
from rldk_tui.charts.growing import shape_of
from rldk_tui.charts.sparkline import sparkline
from rldk_tui.events import Gpu, RunState, System
from rldk_tui.tui.cells import Box, Drawing, Line, Span, Tone, cut, left, line, wrapped
from rldk_tui.tui.machine_over_time import filling_lines, gpu_history, process_lines
from rldk_tui.tui.panels import Panel, Place
from rldk_tui.tui.view import View

_BAR, _LEAST_BAR = 18, 8
_LABEL = 10
_TREND = 12
_ROOMY = 20
"""Rows from which on the course over the run and the processes are shown too."""
_OVER = frozenset({RunState.FINISHED, RunState.DIED, RunState.UNKNOWN})


def draw(view: View, box: Box) -> Drawing:
    """GPUs, torch's memory, the training process and its host; with room, their course and who uses the GPUs."""
    samples = view.health.snapshot.system
    now = view.machine
    if not samples and now is None:
        return Drawing(wrapped("Not measured: RLDKCallback records memory, GPU and CPU.", box.width, Tone.DIM))
    newest = _newest_by_rank(samples)
    first = newest[min(newest)] if newest else None
    gpus = {gpu.index: gpu for sample in newest.values() for gpu in sample.gpus}
    if now is not None:
        gpus = {gpu.index: gpu for gpu in now.taken.gpus} or gpus
    rows = []
    for _, gpu in sorted(gpus.items()):
        rows.append(_gpu(gpu, box))
    rows = rows or [line(Span("No GPU seen.", Tone.DIM))]
    rows += filling_lines(view, gpus)
    told = first if now is None or first is not None else now.taken
    if told is not None:
        rows += _torch(told)
    if first is not None and now is None:
        rows += _process(first, samples, box, len(newest))
    elif now is not None:
        rows += _process(now.taken, (*samples, now.taken), box, len(newest))
    host = now.taken if now is not None else first
    if host is not None:
        rows += _host(host)
    if box.height is not None and box.height >= _ROOMY:
        rows += process_lines(view, box)
        rows += gpu_history(view, box)
    return Drawing(tuple(cut(row, box.width) for row in rows), note=_when(view, first))


def _newest_by_rank(samples: tuple[System, ...]) -> dict[int, System]:
    newest: dict[int, System] = {}
    for sample in reversed(samples[-1024:]):
        newest.setdefault(sample.rank, sample)
    return newest


def _when(view: View, sample: System | None) -> str:
    """Numbers of a run that is over, or of another machine, are no picture of this one now."""
    if view.machine is not None or sample is None:
        return "now, on this machine"
    snapshot = view.health.snapshot
    elsewhere = snapshot.info.host is not None and snapshot.info.host != view.host
    notes = [f"recorded {age(snapshot.taken_at - sample.time)} ago"] if snapshot.state in _OVER or elsewhere else []
    if elsewhere:
        notes.append(f"on {snapshot.info.host}")
    return " · ".join(notes)


def _gpu(gpu: Gpu, box: Box) -> Line:
    """Name, memory and load; what there is no room for is left out from the right, the bar takes what is over."""
    name = (gpu.name or "").removeprefix("NVIDIA ")
    used, total = gpu.memory_used, gpu.memory_total
    facts = [
        f"{gibibytes(used)}/{gibibytes(total)} GiB",
        f"util {number(gpu.utilization_percent)} %" if gpu.utilization_percent is not None else "",
        f"{number(gpu.power_watts)} W" if gpu.power_watts is not None else "",
        f"{number(gpu.temperature_celsius)} °C" if gpu.temperature_celsius is not None else "",
    ]
    start = f"GPU{gpu.index} {name}".rstrip() + "  "
    shown = [fact for fact in facts if fact]
    while len(shown) > 1 and len(start + "  ".join(shown)) > box.width:
        shown.pop()
    memory, *rest = shown
    width = min(_BAR, box.width - len(start + "  ".join(shown)) - 2)
    bar = _bar(used / total, width) if used is not None and total and width >= _LEAST_BAR else ()
    return line(Span(start, Tone.STRONG), f"{memory}  ", *bar, "  ".join(rest))


def _bar(share: float, width: int) -> tuple[Span, ...]:
    lit = round((width - 2) * min(1.0, share))
    return (Span("█" * lit, Tone.CHART), Span("░" * (width - 2 - lit), Tone.DIM), Span("  "))


def _torch(sample: System) -> list[Line]:
    parts = [
        ("alloc", sample.torch_allocated),
        ("reserved", sample.torch_reserved),
        ("peak", sample.torch_peak),
    ]
    known = " ".join(f"{name} {gibibytes(value)}" for name, value in parts if value is not None)
    return [line(_label("torch GiB"), known)] if known else []


def _label(text: str) -> Span:
    return Span(left(text, _LABEL), Tone.DIM)


def _process(sample: System, samples: tuple[System, ...], box: Box, ranks: int) -> list[Line]:
    if sample.process_rss is None:
        return []
    memory = [item.process_rss for item in samples if item.rank == sample.rank and item.process_rss is not None]
    values = np.array(memory, dtype=np.float64)
    cpu = f"  cpu {number(sample.process_cpu_percent)} %" if sample.process_cpu_percent is not None else ""
    rank = f"  rank {sample.rank} of {count(ranks)}" if ranks > 1 else ""
    resident = f"{gibibytes(sample.process_rss)} GiB RSS "
    room = min(_TREND, box.width - _LABEL - len(resident + cpu + rank))
    drawn = sparkline(shape_of(np.arange(values.size), values, np.zeros(values.size, bool)), room, box.glyphs)
    return [line(_label("process"), resident, Span(drawn.text, Tone.CHART), cpu, Span(rank, Tone.DIM))]


def _host(sample: System) -> list[Line]:
    memory = f"{gibibytes(sample.host_memory_used)}/{gibibytes(sample.host_memory_total)} GiB"
    parts = [memory] if sample.host_memory_total else []
    parts += [f"cpu {number(sample.host_cpu_percent)} %"] if sample.host_cpu_percent is not None else []
    rows = [line(_label("host"), "  ".join(parts))] if parts else []
    if sample.disk_free is not None:
        total = f" of {size(sample.disk_total)}" if sample.disk_total else ""
        rows.append(line(_label("disk"), f"{size(sample.disk_free)} free{total}"))
    return rows


def _wants(view: View, width: int) -> int:
    return len(draw(view, Box(width)).lines)


PANEL = Panel(name="machine", key="6", order=4, place=Place.RIGHT, least=2, wants=_wants, draw=draw)
