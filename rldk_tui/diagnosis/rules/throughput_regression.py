"""Training has slowed down, and longer replies do not explain it.

What it means
    Every one of the last steps took half as long again as was usual early in this run, or more, and it took longer for each
    token too. The rest of the run will take, and cost, that much more; often it is the first sign of something that gets
    worse until the run stands still.

Why it happens
    A reward function or a service behind it that answers ever more slowly, a host that swaps because memory leaks, a GPU
    that throttles or is shared with another job, a worker that lags and makes the others wait, a cache that grew too large.

What to do
    Time the reward function by itself: it is what changes most often. Look at memory and swap of the host (`free -h`), at
    clocks and other processes of the GPU (`nvidia-smi -q -d CLOCK,PERFORMANCE`), and let `py-spy top --pid PID` show where the
    time goes. Longer replies need no mending here: they are taken out of the comparison.

Where the limit comes from
    Catalogue: tokens a second below two thirds of the median of the first hundred logs after ten, that is 1.5 times the
    seconds, a warning; below a third, high. The level may only fall, so that a slowdown never becomes usual. Instead of a
    median, none of the last ten logs may be faster: on a machine shared with other jobs the median of twenty steps went to
    five times its level and back, but some steps always kept the old pace. Less than 0.1 s a step more is left alone: it is a
    quarter of an hour in ten thousand steps, and steps that take no time double whenever something else runs on the machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.levels import finite_rows, graded
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.diagnosis.usual import UsualPast, usual
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics.generation_cycle import logs_a_generation
from rldk_tui.run import Rows
from rldk_tui.statistics.windows import NOTHING_YET, Floats, rolling, rolling_mean

LOGGED = "step_time"
BY_THE_CLOCK = "step_seconds"
"""What the walk is called where the trainer logs no step time: the time between its logs."""

_LENGTHS = ("completions/mean_length", "completions/max_length")
_NO_TIME = 1e-6
"""Seconds that no step takes: a broken clock."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Multiples of the usual seconds a step; see the manual for the source.

    Attributes:
        floor: Seconds a step more that are not worth a word.
        persistent: Logs, none of which may be faster.
        skip: First logs that tell nothing of the pace.
        usual: Logs that make the usual pace, and the fewest that can.
    """

    warning: float = 1.5
    high: float = 3.0
    floor: float = 0.1
    persistent: int = 10
    skip: int = 10
    usual: int = 100
    usual_at_least: int = 20


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept.

    Attributes:
        pace: The least each usual cost ever was.
        cycle: Seconds of the steps of one generation.
        clock: The step and the time of the last row.
        tokens: The step and the tokens of the last row.
    """

    costs: UsualPast = field(default_factory=UsualPast)
    pace: Floats = field(default_factory=lambda: np.full((2 + len(_LENGTHS), 1), np.nan))
    cycle: Floats = field(default_factory=lambda: NOTHING_YET)
    slowness: Floats = field(default_factory=lambda: NOTHING_YET)
    clock: tuple[float, float] = (math.nan, math.nan)
    tokens: tuple[float, float] = (math.nan, math.nan)


def scopes(_reads: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """The logged step time, else the time between the logs of a training step."""
    if LOGGED in names:
        return (LOGGED,)
    return (BY_THE_CLOCK,) if "learning_rate" in names else ()


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """Seconds a step, and seconds for what the step produced, against what was usual: the least of them counts."""
    limits: Limits = context.limits
    info = context.info
    at, seconds, clock = _seconds(rows, past.clock, context.scope)
    cycle, kept = logs_a_generation(info.config), past.cycle
    if cycle > 1:
        seconds, kept = rolling_mean(seconds, kept, cycle)
    tokens, latest_tokens = _a_step(rows.steps[at], rows.column("num_tokens").values[at], past.tokens)
    produced = (*(rows.column(name).values[at] for name in _LENGTHS), tokens)
    costs = np.stack((seconds, *(_for_each(seconds, amount) for amount in produced)))
    persistent = cadence.window(limits.persistent, info)
    usually, costs_past = usual(
        costs,
        past.costs,
        skip=cadence.window(limits.skip, info),
        size=limits.usual,
        gap=persistent,
        at_least=cadence.window(limits.usual_at_least, info),
    )
    usually = np.fmin.accumulate(np.concatenate((past.pace, usually), axis=1), axis=1)  # what slowed down is not usual
    pace, usually = usually[:, -1:].copy(), usually[:, 1:]
    with np.errstate(all="ignore"):
        times = np.fmin.reduce(costs / usually, axis=0)
    times = np.where(seconds - usually[0] > limits.floor, times, 0.0)
    least, slowness = rolling(times, past.slowness, persistent, persistent, _least)
    return Verdict(
        at=at,
        breach=times > limits.warning,
        level=graded([least > limits.high, least > limits.warning], [Severity.HIGH.rank, Severity.WARNING.rank]).astype(
            np.int8
        ),
        value=least * usually[0],
        limit=limits.warning * usually[0],
        past=Past(costs_past, pace, kept, slowness, clock, latest_tokens),
        facts={"usual": usually[0], "for_each": np.fmax.reduce(usually[1:], axis=0)},
    )


def _least(windows: Floats) -> Floats:
    least: Floats = windows.min(axis=1)
    return least


def _seconds(rows: Rows, before: tuple[float, float], scope: str) -> tuple[NDArray[np.intp], Floats, tuple[float, float]]:
    """Rows with a time a step, that time, and what the clock showed last."""
    if scope == LOGGED:
        at, seconds = finite_rows(rows, LOGGED)
        timed = seconds > _NO_TIME
        return at[timed], seconds[timed], before
    logged = np.flatnonzero(rows.column("learning_rate").present & np.isfinite(rows.times))
    seconds, latest = _a_step(rows.steps[logged], rows.times[logged], before)
    timed = seconds > _NO_TIME
    return logged[timed], seconds[timed], latest


def _a_step(steps: NDArray[np.int64], counts: Floats, before: tuple[float, float]) -> tuple[Floats, tuple[float, float]]:
    """What a count grew by a step since the row before; NaN where it did not grow."""
    if not steps.size:
        return np.empty(0), before
    known_steps, known = np.concatenate(([before[0]], steps)), np.concatenate(([before[1]], counts))
    with np.errstate(invalid="ignore", over="ignore"):
        grown = np.diff(known)
        result = np.where(grown > 0, grown, np.nan) / np.diff(known_steps)
    return result, (float(steps[-1]), float(counts[-1]))


def _for_each(seconds: Floats, produced: Floats) -> Floats:
    """Seconds for each of what was produced; NaN where that is not known."""
    cost = np.full(seconds.size, np.nan)
    np.divide(seconds, produced, out=cost, where=np.isfinite(produced) & (produced >= 1.0))
    return cost


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    limits: Limits = context.limits
    before = episode.facts.get("usual", math.nan)
    persistent = cadence.window(limits.persistent, context.info)
    too = ", the length of the replies taken out" if "for_each" in episode.facts else ""
    return Telling(
        summary=f"Every step of {persistent} logs took at least {episode.peak / before:.1f} times as long as the usual "
        f"{before:.3g} s by step {episode.peak_step}{too}.",
        cause="Every step got slower, the fastest included: the reward function, the host or the GPU takes longer for the "
        "same work.",
        advice=(
            Advice(text="Time the reward function and the services behind it: they are what slows down most often."),
            Advice(text="Look for swapping (free -h), a throttled or shared GPU (nvidia-smi -q -d CLOCK,PERFORMANCE)."),
            Advice(text=f"See where the time goes: py-spy top --pid {context.info.pid or 'PID'}."),
        ),
    )


RULE = RowRule(
    family=Family.SYSTEM,
    reads=(LOGGED, "learning_rate"),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    scopes=scopes,
    window=lambda limits: limits.persistent,
    ceiling=Severity.HIGH,
    adaptive=True,
    explained_by=("memory-creep",),
)
