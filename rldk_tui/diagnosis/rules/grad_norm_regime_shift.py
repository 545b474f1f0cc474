"""The gradient norms have risen for good, to several times what they were.

What it means
    The norms left the level of the first part of the run and stay above it: three times is a warning, ten times is high where
    something else goes wrong beside it. The loss surface has become steeper where the policy is now, which often comes some
    time before a collapse.

Why it happens
    A learning rate at which training becomes unstable, replies that are no longer those of the policy being trained (a sampler
    that differs from the trainer), rewards on a larger scale, or a model that knows its few data by heart and is jerked about
    by the rest.

What to do
    Lower `learning_rate` to a third. Compare the sampler's log-probabilities with the trainer's, and correct for the difference
    with `vllm_importance_sampling_mode="sequence_mask"` where vLLM samples. Keep `max_grad_norm` at 1 or below.

Where the limit comes from
    Catalogue: a one-sided cumulative sum of log(norm) corrected for autocorrelation, with the first 128 logs as what is usual,
    k = 0.75 and h = 12 (64 logs, k = 1, h = 10 in runs of less than 300 logs), and a median of 20 logs above 3 and 10 times.
    It raises less than one false alarm in 100,000 steps of normal noise. Only a rise counts: a policy that settles has smaller
    norms. Liu and Li report norms that explode before training collapses ("When speed kills stability"); SPAM is arXiv
    2501.06842.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis import blame, cadence, shifts
from rldk_tui.diagnosis.levels import finite_rows, graded
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.diagnosis.warm_up import warmed_up
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows
from rldk_tui.statistics.cusum import CusumPast, cusum
from rldk_tui.statistics.robust import logarithm
from rldk_tui.statistics.windows import NOTHING_YET, Floats, rolling_median


@dataclass(frozen=True, slots=True)
class Limits:
    """Multiples of the usual norm for a warning and for high; `floor` is the least spread of log(norm)."""

    warning: float = 3.0
    high: float = 10.0
    median: int = 20
    floor: float = 0.05


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept; `seen` counts the logs."""

    seen: int = 0
    sum: CusumPast = field(default_factory=CusumPast)
    norms: Floats = field(default_factory=lambda: NOTHING_YET)
    rate: blame.RatePast = field(default_factory=blame.RatePast)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The norms after the learning rate's warm-up: their cumulative sum, and their median as a multiple of the usual."""
    limits: Limits = context.limits
    info = context.info
    at, norms = finite_rows(rows, "grad_norm")
    begun = warmed_up(rows.steps[at], past.seen + 1 + np.arange(at.size), 1, info)
    seen, at, norms = past.seen + at.size, at[begun], norms[begun]
    found, kept = cusum(logarithm(norms), past.sum, shifts.design(info, limits.floor, 0.0), 1)
    size = cadence.window(limits.median, info)
    middle, recent = rolling_median(norms, past.norms, size, size)
    usual = np.exp(found.middle)
    level = graded(
        [found.alarm & (middle > limits.high * usual), found.alarm & (middle > limits.warning * usual)],
        [Severity.HIGH.rank, Severity.WARNING.rank],
    )
    facts, rate = blame.learning_rates(rows, at, past.rate)
    return Verdict(
        at=at,
        breach=norms > limits.warning * usual,
        level=level,
        value=middle,
        limit=limits.warning * usual,
        past=Past(seen, kept, recent, rate),
        facts={**facts, "usual": usual},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    limits: Limits = context.limits
    usual = episode.facts.get("usual", episode.limit / limits.warning)
    size = cadence.window(limits.median, info)
    return Telling(
        summary=f"Gradient norms rose from {usual:.3g} to {episode.peak:.3g} by step {episode.peak_step} and stay up "
        f"(median of {size} logs, limit {episode.limit:.3g}).",
        cause=blame.cause(episode, info)
        or "Training has become unstable where the policy is now: steps too large, or data or rewards that changed.",
        advice=(
            blame.lower_learning_rate(episode, info),
            Advice(text=f"Keep a checkpoint from before step {episode.first_step} to go back to."),
        ),
    )


RULE = RowRule(
    family=Family.GRADIENT,
    reads=("grad_norm",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    window=lambda limits: limits.median,
    ceiling=Severity.HIGH,
    adaptive=True,
    explained_by=("lr-jump", "reward-shift"),
)
