"""Who uses the GPUs, how their memory, load, power and temperature went over the run, and when memory will be full."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from rldk_tui.analysis.memory_fit import steps_until_full
from rldk_tui.charts.format import NOTHING, count, gibibytes, number
from rldk_tui.charts.growing import shape_of
from rldk_tui.charts.sparkline import sparkline
from rldk_tui.events import Gpu, System
from rldk_tui.tui.cells import Box, Line, Span, Tone, left, line, right
from rldk_tui.tui.tones import OVER
from rldk_tui.tui.view import View

_MOST_PROCESSES = 12
_LABEL, _NUMBER = 14, 9
_GPU_ROWS: tuple[tuple[str, str, Callable[[Gpu], float | None]], ...] = (
    ("memory", "GiB", lambda gpu: None if gpu.memory_used is None else gpu.memory_used / 1024**3),
    ("util", "%", lambda gpu: gpu.utilization_percent),
    ("power", "W", lambda gpu: gpu.power_watts),
    ("temperature", "°C", lambda gpu: gpu.temperature_celsius),
)
_HOST_ROWS: tuple[tuple[str, str, Callable[[System], float | None]], ...] = (
    ("process RSS", "GiB", lambda taken: None if taken.process_rss is None else taken.process_rss / 1024**3),
    ("process cpu", "%", lambda taken: taken.process_cpu_percent),
    ("torch peak", "GiB", lambda taken: None if taken.torch_peak is None else taken.torch_peak / 1024**3),
    ("host memory", "GiB", lambda taken: None if taken.host_memory_used is None else taken.host_memory_used / 1024**3),
    ("host cpu", "%", lambda taken: taken.host_cpu_percent),
)


def filling_lines(view: View, gpus: Mapping[int, Gpu]) -> list[Line]:
    """When the memory of a GPU will be full, of a run that goes on, where a line fits its growth."""
    snapshot = view.health.snapshot
    if snapshot.state in OVER:
        return []
    samples = [sample for sample in snapshot.system if sample.step is not None]
    rows = []
    for index, gpu in sorted(gpus.items()):
        if gpu.memory_total is None:
            continue
        known = [(sample.step or 0, used) for sample in samples for used in _memory(sample, index)]
        if not known:
            continue
        steps, used = np.array(known, np.float64).T
        left_ = steps_until_full(steps.astype(np.int64), used, float(gpu.memory_total))
        planned = (snapshot.info.max_steps or 10**9) - (snapshot.step or 0)
        if left_ is not None and left_ < planned:
            text = f"! GPU{index} memory grows: full in about {count(_rounded(left_))} steps"
            rows.append(line(Span(text, Tone.WARNING)))
    return rows


def _memory(sample: System, index: int) -> list[int]:
    return [gpu.memory_used for gpu in sample.gpus if gpu.index == index and gpu.memory_used is not None]


def _rounded(steps: int) -> int:
    """Two digits: the line knows no more."""
    unit: int = 10 ** max(0, len(str(steps)) - 2)
    return round(steps / unit) * unit


def process_lines(view: View, box: Box) -> list[Line]:
    """Who computes on the GPUs, the training's own marked, and its share of each GPU's memory."""
    now = view.machine
    if now is None or not now.taken.gpus:
        return []
    rows = [line(), line(Span("On the GPUs now", Tone.ACCENT))]
    if not now.processes:
        return [
            *rows,
            line(Span("No process that can be seen from here (inside a container, the driver tells none).", Tone.DIM)),
        ]
    totals = {gpu.index: gpu.memory_used for gpu in now.taken.gpus}
    for process in sorted(now.processes, key=lambda one: (one.gpu, -(one.memory or 0)))[:_MOST_PROCESSES]:
        own = process.pid in now.own
        used = totals.get(process.gpu)
        share = f" · {100 * process.memory / used:.0f} % of what is used" if process.memory and used else ""
        memory = NOTHING if process.memory is None else f"{gibibytes(process.memory)} GiB"
        name = left(process.name or "not seen from here", min(28, max(8, box.width - 50)))
        rows.append(
            line(
                f"GPU{process.gpu}  ",
                Span(name, Tone.STRONG if own else Tone.PLAIN),
                f"  pid {process.pid}  {memory}",
                Span(share, Tone.DIM),
                Span("  this training" if own else "", Tone.GOOD),
            )
        )
    more = len(now.processes) - _MOST_PROCESSES
    return [*rows, line(Span(f"and {count(more)} more", Tone.DIM))] if more > 0 else rows


def gpu_history(view: View, box: Box) -> list[Line]:
    """A line a GPU and quantity, then the host's: first to last sample of this launch that is kept."""
    samples = [sample for sample in view.health.snapshot.system if sample.rank == 0]
    if len(samples) < 2:
        return []
    rows: list[Line] = []
    names = {gpu.index: gpu.name for sample in samples[-1:] for gpu in sample.gpus}
    for index, name in sorted(names.items()):
        rows += [
            line(),
            line(Span(f"GPU{index} {(name or '').removeprefix('NVIDIA ')}".rstrip(), Tone.ACCENT), _span_of(samples)),
        ]
        of_gpu = [next((gpu for gpu in sample.gpus if gpu.index == index), None) for sample in samples]
        for label, unit, read in _GPU_ROWS:
            rows += _course(label, unit, [None if gpu is None else read(gpu) for gpu in of_gpu], box)
    rows += [line(), line(Span("Process and host", Tone.ACCENT), _span_of(samples))]
    for label, unit, of_sample in _HOST_ROWS:
        rows += _course(label, unit, [of_sample(sample) for sample in samples], box)
    return rows


def _span_of(samples: list[System]) -> Span:
    steps = [sample.step for sample in samples if sample.step is not None]
    return Span(f"  steps {count(steps[0])}–{count(steps[-1])}" if steps else "", Tone.DIM)


def _course(label: str, unit: str, values: list[float | None], box: Box) -> list[Line]:
    known = np.array([np.nan if value is None else value for value in values], np.float64)
    if np.isnan(known).all():
        return []
    finite = known[~np.isnan(known)]
    facts = f"{right(number(float(finite[-1])), _NUMBER)} {left(unit, 3)}  peak {number(float(finite.max()))}"
    room = max(8, box.width - _LABEL - len(facts) - 12)
    drawn = sparkline(shape_of(np.arange(finite.size), finite, np.zeros(finite.size, bool)), min(100, room), box.glyphs)
    return [line(Span(left(label, _LABEL), Tone.DIM), left(facts, _NUMBER + 22), Span(drawn.text, Tone.CHART))]
