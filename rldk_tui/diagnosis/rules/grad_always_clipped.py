"""Every gradient is clipped, so all batches count the same.

What it means
    Nearly all of the last hundred gradient norms lie above `max_grad_norm`, most of them several times. Each is cut to the same
    length whatever its batch said, so a batch with a clear signal counts no more than one of noise. With plain gradient descent
    the learning rate in effect is that many times smaller, too; Adam makes up for the scale, but not for the lost differences.

Why it happens
    A `max_grad_norm` that does not fit this model or this loss (norms grow with the number of trained parameters, and a loss
    summed over tokens has larger ones than a mean), or a learning rate at which training has left the smooth region.

What to do
    Look whether the norms were always this large. If so, raise `max_grad_norm` to about their median. If they grew during the
    run, treat that first: lower `learning_rate`.

Where the limit comes from
    Catalogue: 95 of the last 100 logs above `max_grad_norm`, and their median above 5 times of it, which the Trainer of
    transformers logs before it clips. Values of 0.2 and below are chosen to clip always (DAPO and others), so there it takes 20
    times. TRL's PPOTrainer never clips and logs no norm.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis import blame, cadence
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Algorithm, Severity
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n, rolling_median


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual; `times` is the median's multiple of `max_grad_norm`, `times_tiny` where that is at most `tiny`."""

    m: int = 95
    n: int = 100
    times: float = 5.0
    times_tiny: float = 20.0
    tiny: float = 0.2


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept."""

    norms: Floats = field(default_factory=lambda: NOTHING_YET)
    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    rate: blame.RatePast = field(default_factory=blame.RatePast)


def applies(info: RunInfo) -> str | None:
    """Runs of which it is known that and where they clip."""
    if info.algorithm is Algorithm.PPO:
        return "TRL's PPO never clips gradients"
    clip = info.setting("max_grad_norm")
    if clip is None:
        return "it is not known at which norm its gradients are clipped"
    return None if clip > 0 else "its gradients are not clipped"


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The norms against the clip, one by one and in the median."""
    limits: Limits = context.limits
    at, norms = finite_rows(rows, "grad_norm")
    clip = context.info.setting("max_grad_norm") or np.inf
    limit = clip * (limits.times if clip > limits.tiny else limits.times_tiny)
    m, n = cadence.persistence(limits.m, limits.n, context.info)
    always, flags = m_of_n(norms > clip, past.flags, m, n)
    middle, kept = rolling_median(norms, past.norms, n, n)
    facts, rate = blame.learning_rates(rows, at, past.rate)
    return Verdict(
        at=at,
        breach=norms > clip,
        level=np.where(always & (middle > limit), Severity.WARNING.rank, 0).astype(np.int8),
        value=middle,
        limit=np.full(at.size, limit),
        past=Past(kept, flags, rate),
        facts=facts,
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    clip = info.setting("max_grad_norm") or episode.limit
    return Telling(
        summary=f"Nearly every gradient is clipped: their norm has a median of {episode.peak:.3g} by step {episode.peak_step}, "
        f"and all is cut to {clip:g}.",
        cause=blame.cause(episode, info)
        or f"The clip lies {episode.peak / clip:.2g} times below what is usual here: every batch is cut to the same length.",
        advice=(
            blame.set_to(info, "max_grad_norm", "Clip at the norms that are usual here", f"{episode.peak:.1g}", current=clip),
            blame.lower_learning_rate(episode, info, guessed=True),
        ),
    )


RULE = RowRule(
    family=Family.GRADIENT,
    reads=("grad_norm",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.n,
    ceiling=Severity.WARNING,
    explained_by=("lr-jump",),
)
