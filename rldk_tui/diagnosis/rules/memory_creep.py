"""Memory use grows step by step and will run out.

What it means
    The training process, or its GPU memory, takes more at every step, long after everything was loaded and allocated. When the
    machine is full the kernel or CUDA ends the training without a word, usually hours after the growth began.

Why it happens
    Something is kept for every step: tensors with their graph in a list or a log, a cache in the reward function, results of
    evaluations, samples in a callback. On the GPU also fragments of ever longer batches. A dataset that is memory-mapped counts
    as memory of the process until it was read once: such growth ends with the first epoch and is harmless.

What to do
    Keep numbers, not tensors (`.item()`, `.detach().cpu()`), and bound every cache. `tracemalloc` or `memray` names what grows
    on the host, `torch.cuda.memory._record_memory_history()` what grows on the GPU; `torch_empty_cache_steps` helps against
    fragments. Save checkpoints often until it is found: a restart gives the memory back.

Where the limit comes from
    Catalogue, after SageMaker Debugger's GPUMemoryIncrease (5 %): 5 % of the level in 100 steps, after 50 steps. Because
    allocators grow by jumps and then rest, the growth must go on through all three thirds of the window, not flatten out, and
    lift the whole last third above the whole first one. High when 95 % of the capacity is in use besides; a GPU that is full
    but steady is how vLLM and torch's cache work, and normal. GPU growth with replies longer than ever before is explained.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.charts.format import size
from rldk_tui.diagnosis.beside import last_known
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import graded, scope_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics import title
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats, m_of_n, median, windows

HOST, OF_TORCH, ON_GPU = "system/process_rss", "system/torch_reserved", "system/gpu_memory_used"
_CAPACITY = {
    HOST: ("system/host_memory_used", "system/host_memory_total"),
    OF_TORCH: (ON_GPU, "system/gpu_memory_total"),
    ON_GPU: (ON_GPU, "system/gpu_memory_total"),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Growth of memory; see the manual for the source.

    Attributes:
        growth: Share of the level that it grows by in 100 steps.
        floor: Bytes of growth within the window below which it is rounding of an allocator.
        full: Share of the capacity in use from which it is grave.
        warm_up: Steps before anything is said.
        window: Samples looked at, and the fewest.
        early: Share of the growth that the first two thirds of the window must see between them, and `late` the last two.
        persistent: Samples in a row.
        longer: Replies longer than ever by this factor explain what the GPU needs more.
    """

    growth: float = 0.05
    floor: float = 8 * 2.0**20
    full: float = 0.95
    warm_up: int = 50
    window: int = 24
    window_at_least: int = 12
    early: float = 0.2
    late: float = 0.42
    persistent: int = 3
    longer: float = 1.02


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept; `seen` counts the samples, `longest` is the longest reply ever, `use` what was in use and the capacity."""

    seen: int = 0
    sizes: Floats = field(default_factory=lambda: NOTHING_YET)
    steps: Floats = field(default_factory=lambda: NOTHING_YET)
    lengths: Floats = field(default_factory=lambda: NOTHING_YET)
    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    longest: float = 0.0
    use: tuple[float, float] = (math.nan, math.nan)


def scopes(_reads: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """The process, and what torch holds on the GPU; what all processes hold there only where torch does not tell."""
    gpu = next((name for name in (OF_TORCH, ON_GPU) if name in names), None)
    return (*([HOST] if HOST in names else []), *([gpu] if gpu is not None else []))


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """How much memory grew through the last samples, and how much is left."""
    limits: Limits = context.limits
    at, used = scope_rows(rows, context)
    steps = rows.steps[at].astype(np.float64)
    sizes, kept_sizes = windows(used, past.sizes, limits.window)
    when, kept_steps = windows(steps, past.steps, limits.window)
    longest, last_longest = _longest(rows, at, past.longest)
    lengths, kept_lengths = windows(longest, past.lengths, limits.window)
    counts = np.minimum(past.seen + 1 + np.arange(at.size), limits.window)
    ready = (counts >= limits.window_at_least) & (steps - context.info.first_step > limits.warm_up)
    creeps, slope = np.zeros(at.size, np.bool_), np.full(at.size, np.nan)
    for count in set(counts[ready].tolist()):
        here = ready & (counts == count)
        creeps[here], slope[here] = _creeps(sizes[here, -count:], when[here, -count:], limits)
        if context.scope != HOST:
            creeps[here] &= lengths[here, -1] <= limits.longer * lengths[here, -count]
    held, flags = m_of_n(creeps, past.flags, limits.persistent, limits.persistent)
    in_use, latest_use = last_known(rows, at, _CAPACITY[context.scope][0], past.use[0])
    capacity, latest_capacity = last_known(rows, at, _CAPACITY[context.scope][1], past.use[1])
    full = in_use > limits.full * capacity
    return Verdict(
        at=at,
        breach=creeps,
        level=graded([held & full, held], [Severity.HIGH.rank, Severity.WARNING.rank]),
        value=used,
        limit=np.full(at.size, np.nan),
        past=Past(
            past.seen + at.size, kept_sizes, kept_steps, kept_lengths, flags, last_longest, (latest_use, latest_capacity)
        ),
        facts={"slope": slope, "left": capacity - in_use, "now": used},
    )


def _creeps(sizes: Floats, steps: Floats, limits: Limits) -> tuple[Bools, Floats]:
    """Whether memory grows throughout each window, and by how much a step."""
    third = sizes.shape[1] // 3
    first, last = sizes[:, :third], sizes[:, -third:]
    apart = last.min(axis=1) > first.max(axis=1)
    if not apart.any():
        return apart, np.full(apart.size, np.nan)
    low, middle, high = median(first), median(sizes[:, third:-third]), median(last)
    grown = high - low
    slope = grown / (median(steps[:, -third:]) - median(steps[:, :third]))
    throughout = (middle - low >= limits.early * grown) & (high - middle >= limits.late * grown)
    enough = (100.0 * slope >= limits.growth * low) & (grown >= limits.floor)
    creeps: Bools = throughout & apart & enough
    return creeps, slope


def _longest(rows: Rows, at: NDArray[np.intp], before: float) -> tuple[Floats, float]:
    """The longest reply so far, at each row."""
    where, lengths = rows.finite_numbers("completions/max_length")
    known = np.maximum.accumulate(np.concatenate(([before], lengths)))
    return known[np.searchsorted(where, at, side="right")], float(known[-1])


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    slope, now = episode.facts["slope"], episode.facts["now"]
    left = episode.facts.get("left")
    until = "" if left is None else f"; at this pace the rest is used up in {max(0.0, left) / slope:,.0f} steps"
    host = episode.scope == HOST
    grew = f"{title(episode.scope)} grew by {size(int(slope))} a step"
    return Telling(
        summary=f"{grew}, to {size(int(now))} at step {episode.detected_step}{until}.",
        cause="Something is kept for every step: tensors in a list, a cache of the reward function, samples of a callback."
        if host
        else "Tensors are kept from step to step, or the GPU's memory falls into fragments.",
        advice=(
            Advice(text="Keep numbers instead of tensors (.item()), and bound the caches of reward functions and callbacks."),
            *(_on_host() if host else _on_gpu(context.info)),
        ),
    )


def _on_host() -> tuple[Advice, ...]:
    return (Advice(text="tracemalloc or memray names the line whose allocations stay."),)


def _on_gpu(info: RunInfo) -> tuple[Advice, ...]:
    emptied = set_to(info, "torch_empty_cache_steps", "Give fragments back every so many steps", "10")
    today = info.setting("vllm_gpu_memory_utilization")
    if info.config.get("use_vllm") is not True or today is None:
        return (emptied,)
    text = "Leave the training more of the GPU"
    return emptied, set_to(info, "vllm_gpu_memory_utilization", text, f"{0.8 * today:.2g}", current=today)


RULE = RowRule(
    family=Family.SYSTEM,
    reads=(HOST, OF_TORCH, ON_GPU),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    scopes=scopes,
    window=lambda limits: limits.window,
    ceiling=Severity.HIGH,
    adaptive=True,
)
