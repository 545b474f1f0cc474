"""The gradient norm shoots up to many times what is usual.

What it means
    A batch asks for a step more than ten times as large as the ones before. Where the config says that gradients are clipped
    it is a remark, however many there are: each is cut to `max_grad_norm`, and the run goes on. Where it says that nothing
    is clipped every spike is a warning, and where it says nothing, most of the last five logs are one. Where the norms stay
    up, `grad-norm-regime-shift` speaks.

Why it happens
    A broken or very long sample, a reward far outside its range, replies from a policy that is no longer the one trained,
    numbers near overflow in half precision, or a learning rate at which training becomes unstable. A log shows the norm of its
    own step alone; `RLDKCallback.attach(trainer)` measures those between two logs too.

What to do
    Look at the batch of that step. Keep `max_grad_norm` between 0.1 and 1, bound rewards and ratios (`delta` in GRPO), and
    lower `learning_rate` if it happens again and again.

Where the limit comes from
    Catalogue: 8 robust deviations of the 64 logs before on a logarithmic scale, ten times their median and above 1. It
    warns from two of five logs and calls clipped spikes harmless; healthy RLOO runs have three clipped ones of up to a
    hundred times within five logs, so here a known clipping settles it. ZClip (arXiv 2504.02507) clips at 2.5 deviations,
    which suits a clip and not an alarm; SPAM (arXiv 2501.06842) reports spikes of a thousand times. Healthy public runs
    have an excess kurtosis of up to 46 in this metric.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis import blame, cadence
from rldk_tui.diagnosis.levels import finite_rows, graded
from rldk_tui.diagnosis.measurements import in_these_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.diagnosis.spikes import SpikeLimits, SpikePast, counts, spikes
from rldk_tui.diagnosis.warm_up import warmed_up
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows
from rldk_tui.statistics.robust import logarithm

PEAK = "hook/grad_norm_peak"


@dataclass(frozen=True, slots=True)
class Limits(SpikeLimits):
    """See the manual; a spike exceeds `times` the median and `norm` itself."""

    k: float = 8.0
    floor: float = 0.05
    m: int = 3
    times: float = 10.0
    norm: float = 1.0


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept."""

    spikes: SpikePast = field(default_factory=SpikePast)
    rate: blame.RatePast = field(default_factory=blame.RatePast)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The norm against the logs before; with the steps between two logs, where they were measured."""
    limits: Limits = context.limits
    info = context.info
    at, logged = finite_rows(rows, "grad_norm")
    norms = np.fmax(logged, in_these_rows(rows, at, PEAK))
    ready = warmed_up(rows.steps[at], counts(past.spikes, at.size), limits.at_least, info)
    far = math.log(limits.times)
    found, kept = spikes(logarithm(norms), ready & (norms > limits.norm), past.spikes, limits, info, lambda usual: usual + far)
    single = found.far if not cadence.averaged(info) else np.zeros(at.size, np.bool_)
    clip = info.setting("max_grad_norm")
    grave = found.far if clip == 0.0 else found.several & (clip is None)
    single |= found.several
    facts, rate = blame.learning_rates(rows, at, past.rate)
    usual = np.exp(found.usual)
    return Verdict(
        at=at,
        breach=found.far,
        level=graded([grave, single], [Severity.WARNING.rank, Severity.INFO.rank]),
        value=np.where(found.far, norms, np.nan),
        limit=limits.times * usual,
        past=Past(kept, rate),
        facts={**facts, "usual": usual},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    usual = episode.facts.get("usual")
    beside = f" where {usual:.3g} was usual" if usual is not None else ""
    grave = episode.severity is not Severity.INFO
    clip = info.setting("max_grad_norm")
    clipped = clip != 0.0
    between = context.names(PEAK, episode.peak_step, episode.peak_step)
    where = between[0] if between else f"step {episode.peak_step}"
    advice = [Advice(text=f"Look at the batch of {where}.")]
    if not clipped:
        advice.append(blame.set_to(info, "max_grad_norm", "Clip the gradients", "1.0", current=clip))
    if grave:
        advice.append(blame.lower_learning_rate(episode, info, guessed=True))
    harmless = f" It was cut to {clip:g} before the step." if clip and not grave else ""
    return Telling(
        summary=f"The gradient norm shot up to {episode.peak:.3g} at {where}{beside}"
        f"{', as in most logs since' if grave and clipped else ', for single logs'}.",
        cause=blame.cause(episode, info) or f"One batch lies far outside the others.{harmless}",
        advice=tuple(advice),
    )


RULE = RowRule(
    family=Family.GRADIENT,
    reads=("grad_norm",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    window=lambda limits: limits.n,
    ceiling=Severity.WARNING,
    adaptive=True,
    explained_by=("reward-outliers", "lr-jump", "loss-divergence", "reward-shift"),
)
