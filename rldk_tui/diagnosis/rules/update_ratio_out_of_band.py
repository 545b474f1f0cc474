"""Weights change far too much in each step, or not at all.

What it means
    The size of a step beside the size of the weights it changes tells whether training is a tuning, a demolition or nothing at
    all. Steps of a percent of the weights wipe out a pretrained model within a hundred of them. Steps below the precision
    of the weights are rounded away: the gradient norm looks healthy, and the model stays as it was.

Why it happens
    Too much: a learning rate for adapters on all weights, or one for small models on a large one. Too little: a learning rate
    that ends in nothing, gradients that are zero, frozen weights. Rounded away: weights kept in bfloat16 have three digits,
    and an update of 1e-6 beside a weight of 1e-2 is a tenth of the last of them.

What to do
    Too much: lower `learning_rate`. Too little: look at the gradients first, then raise it. Rounded away: keep the weights in
    float32 and let `bf16=True` do the computing in bfloat16 (no `dtype` of bfloat16 in `model_init_kwargs`), or train an
    adapter.

Where the limit comes from
    Catalogue, for all weights of a pretrained model (100 million or more, of which a tenth or more is trained): the median
    tensor moves by 1e-6 to 1e-4 a step in tuning; more than 1e-3 in RL is a warning, more than 1e-2 in any training high.
    CS231n gives 1e-3 for training from nothing. Small models and adapters bear more, since the rate that suits a layer shrinks
    with its width (Yang et al., arXiv 2203.03466) and adapters begin at zero: there a tenth is a warning and a half is high,
    after the first ten steps. Too little is below 1e-8, the lower bound of SageMaker Debugger's WeightUpdateRatio, in 15 steps
    in a row; rounded away is more than 90 % of the weights in 8 of 10 steps. Both only while the learning rate is on: above
    a hundredth of its height.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis.beside import last_known
from rldk_tui.diagnosis.blame import RatePast, cause, learning_rates, lower_learning_rate, set_to
from rldk_tui.diagnosis.levels import graded, scope_rows
from rldk_tui.diagnosis.measurements import each_measured, named
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import Rows
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats, m_of_n

RATIO, LOST = "hook/update_ratio", "hook/lost_updates"
TOTAL, TRAINABLE = "hook/parameters_total", "hook/parameters_trainable"


@dataclass(frozen=True, slots=True)
class Limits:
    """Update over weight in one step; see the manual.

    Attributes:
        tuned: Limits of warning (RL alone) and high for all weights of a pretrained model.
        small: The same for a small model or an adapter, and where it is not known which it is.
        pretrained: Parameters from which a model is taken for a pretrained one.
        all_weights: The share of them that is trained from which it is no adapter.
        settled: First steps in which `small` does not hold: tensors that begin at zero grow by multiples.
        m: Measurements of the last `n` that must lie above.
        nothing: A smaller update is none, `still` measurements in a row.
        lost: The share of updates that are rounded away, `lost_m` of `lost_n`.
        on: The share of its height above which the learning rate is on.
    """

    tuned: tuple[float, float] = (1e-3, 1e-2)
    small: tuple[float, float] = (0.1, 0.5)
    pretrained: float = 1e8
    all_weights: float = 0.1
    settled: int = 10
    m: int = 5
    n: int = 8
    nothing: float = 1e-8
    still: int = 15
    lost: float = 0.9
    lost_m: int = 8
    lost_n: int = 10
    on: float = 0.01


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept: flags of what is too much, far too much, and too little; the model's size; the learning rate."""

    flags: tuple[Floats, Floats, Floats] = field(default_factory=lambda: (NOTHING_YET, NOTHING_YET, NOTHING_YET))
    sizes: tuple[float, float] = (math.nan, math.nan)
    rate: RatePast = field(default_factory=RatePast)
    latest: float = math.nan


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The update against its band, or the share of updates that is lost."""
    limits: Limits = context.limits
    at, values = scope_rows(rows, context)
    facts, rate = learning_rates(rows, at, past.rate)
    rates, latest = last_known(rows, at, "learning_rate", past.latest)
    configured = context.info.setting("learning_rate") or 0.0
    learning = rates > limits.on * np.fmax(facts["learning_rate"], configured)
    if context.scope == LOST:
        beyond = learning & (values > limits.lost)
        lost, flags = m_of_n(beyond, past.flags[0], limits.lost_m, limits.lost_n)
        kept = Past((flags, *past.flags[1:]), past.sizes, rate, latest)
        level = np.where(lost, Severity.HIGH.rank, 0).astype(np.int8)
        return Verdict(
            at=at, breach=beyond, level=level, value=values, limit=np.full(at.size, limits.lost), past=kept, facts=facts
        )
    warning, high, sizes = _bounds(rows, at, past, context)
    much, flags = m_of_n(values > warning, past.flags[0], limits.m, limits.n)
    far_too_much, far_flags = m_of_n(values > high, past.flags[1], limits.m, limits.n)
    idle = learning & (values < limits.nothing)
    still, still_flags = m_of_n(idle, past.flags[2], limits.still, limits.still)
    return Verdict(
        at=at,
        breach=idle | (values > warning),
        level=graded([still, far_too_much, much], [Severity.CRITICAL.rank, Severity.HIGH.rank, Severity.WARNING.rank]),
        value=values,
        limit=np.select([still, far_too_much], [np.full(at.size, limits.nothing), high], warning),
        past=Past((flags, far_flags, still_flags), sizes, rate, latest),
        facts={**facts, "still": still.astype(np.float64)},
    )


def _bounds(rows: Rows, at: NDArray[np.intp], past: Past, context: Context) -> tuple[Floats, Floats, tuple[float, float]]:
    """What is too much and far too much at each row, and the model's size as it was last heard of."""
    limits: Limits = context.limits
    total, total_now = last_known(rows, at, TOTAL, past.sizes[0])
    trainable, trainable_now = last_known(rows, at, TRAINABLE, past.sizes[1])
    whole: Bools = (total >= limits.pretrained) & (trainable >= limits.all_weights * total)
    begun = rows.steps[at] - context.info.first_step <= limits.settled
    in_rl = context.info.algorithm in ONLINE
    small = [np.where(begun, np.inf, bound) for bound in limits.small]
    warning = np.where(whole, limits.tuned[0] if in_rl else limits.tuned[1], small[0])
    return warning, np.where(whole, limits.tuned[1], small[1]), (total_now, trainable_now)


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    limits: Limits = context.limits
    info = context.info
    since, about = f"from step {episode.first_step} on", named(episode, context)
    if episode.scope == LOST:
        return Telling(
            summary=f"Up to {percent(episode.peak)} of the updates were rounded away {since} "
            f"(limit {percent(episode.limit)}){about}.",
            cause="The weights are kept in a precision too coarse to take steps this small.",
            advice=(
                Advice(text="Keep the weights in float32, and compute in bfloat16 with bf16=True."),
                set_to(
                    info,
                    "model_init_kwargs",
                    "Load the model in float32",
                    '{"dtype": "float32"}',
                    current=info.config.get("model_init_kwargs"),
                ),
            ),
        )
    if episode.facts.get("still") == 1.0:
        return Telling(
            summary=f"The weights do not move {since}: a step changes them by {limits.nothing:g} of themselves or less{about}.",
            cause="The learning rate is on, so the gradients are zero or the updates are lost.",
            advice=(
                Advice(text="Look at grad_norm: if it is not zero, keep the weights in float32 and raise learning_rate."),
                Advice(text="If it is zero, count the trainable parameters and see whether the rewards differ."),
            ),
        )
    return Telling(
        summary=f"Each step changes the weights by up to {percent(episode.peak)} of themselves {since} "
        f"(limit {percent(episode.limit)}){about}.",
        cause=cause(episode, info) or "The steps are too large for these weights: what was learned before is written over.",
        advice=(lower_learning_rate(episode, info),),
    )


def _window(limits: Limits) -> int:
    return max(limits.n, limits.still, limits.lost_n)


RULE = RowRule(
    family=Family.OPTIMIZER,
    reads=(RATIO, LOST),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    needs=Need.HOOK,
    scopes=each_measured,
    window=_window,
    explained_by=(
        "lr-out-of-band",
        "lr-zero",
        "nothing-trainable",
        "dead-gradient",
        "zero-variance-groups",
        "reward-unscorable",
    ),
)
