"""The updated policy gives the sampled replies very different probabilities.

What it means
    The mean ratio between the probability of a token under the updated policy and under the one that sampled it lies far from
    1. Either single updates are drastic, or the probabilities noted while sampling are not those the trainer computes.

Why it happens
    A learning rate too high, too many passes over each batch, dropout that is on in training and off while sampling, or a
    sampler that changes the distribution (`top_k`, `top_p`, a temperature the trainer does not know).

What to do
    If it began with the first update, the noted probabilities are wrong: compare them with those of the untrained model on the
    same tokens, and sample with `top_k=0`, `top_p=1.0`. If it came later, lower `learning_rate` and `num_ppo_epochs`.

Where the limit comes from
    TRL's PPO guide names 2.0, 1000.0 and 0.1 as too drastic: outside 0.5 to 2 is critical, outside 0.8 to 1.25 in three of five
    logs a warning. Padding counts as 1, so the true ratio lies further out. One token whose probability was almost 0 can
    lift the mean above 2 alone; where few tokens were clipped this limit therefore wants two logs of five. It is for a mean
    over tokens, as PPO logs it; a ratio of whole replies, which other scripts log by this name, is far from 1 in healthy runs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis import blame
from rldk_tui.diagnosis.levels import finite_rows, graded
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.diagnosis.trust_region import broad, smaller_updates, why
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        usual: Lowest and highest ratio of usual updates.
        drastic: Lowest and highest beyond which an update is drastic.
        m: Logs of `n` for the warning.
        narrow: Logs of `n` for critical where few tokens were clipped.
    """

    usual: tuple[float, float] = (0.8, 1.25)
    drastic: tuple[float, float] = (0.5, 2.0)
    m: int = 3
    narrow: int = 2
    n: int = 5


LIMITS = Limits()
_SMALLEST = 1e-9


def applies(info: RunInfo) -> str | None:
    """What a ratio is the mean of is known of PPO alone."""
    return None if info.algorithm is Algorithm.PPO else "only of PPO it is known that its ratio is a mean over tokens"


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept; `began` is whether the first ratio of all was outside the usual."""

    flags: tuple[Floats, Floats] = (NOTHING_YET, NOTHING_YET)
    clipped: float = math.nan
    began: float = math.nan
    rate: blame.RatePast = field(default_factory=blame.RatePast)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The ratio against both bands, as its distance from 1 on a logarithmic scale."""
    limits: Limits = context.limits
    at, ratio = finite_rows(rows, "policy_ratio")
    many, clipped = broad(rows, at, past.clipped)
    unusual = (ratio < limits.usual[0]) | (ratio > limits.usual[1])
    below, above = ratio < limits.drastic[0], ratio > limits.drastic[1]
    often, often_flags = m_of_n(unusual, past.flags[0], limits.m, limits.n)
    again, again_flags = m_of_n(below | above, past.flags[1], limits.narrow, limits.n)
    level = graded(
        [again | below | (above & many), often], [Severity.CRITICAL.rank, Severity.WARNING.rank]
    )  # no single token pulls the mean to half
    began = float(unusual[0]) if at.size and math.isnan(past.began) else past.began
    facts, rate = blame.learning_rates(rows, at, past.rate)
    return Verdict(
        at=at,
        breach=unusual,
        level=level,
        value=ratio,
        limit=np.where(ratio < 1.0, limits.usual[0], limits.usual[1]),
        past=Past((often_flags, again_flags), clipped, began, rate),
        facts={**facts, "began": np.full(at.size, began)},
    )


def _furthest(ratios: Floats) -> np.intp:
    """The ratio furthest from 1, a half as far as a double."""
    return np.argmax(np.abs(np.log(np.maximum(ratios, _SMALLEST))))


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    limits: Limits = context.limits
    from_the_start = episode.facts.get("began") == 1.0
    plain = Advice(text="Sample with top_k=0 and top_p=1.0, and with the temperature the trainer knows.")
    return Telling(
        summary=f"The mean policy ratio was {episode.peak:.3g} at step {episode.peak_step} "
        f"(usual: {limits.usual[0]:g}–{limits.usual[1]:g}).",
        cause="It was so from the first update on: the probabilities noted while sampling are not those the trainer computes."
        if from_the_start and blame.cause(episode, info) is None
        else why(episode, info),
        advice=(plain,) if from_the_start and blame.cause(episode, info) is None else smaller_updates(episode, info),
    )


RULE = RowRule(
    family=Family.POLICY,
    reads=("policy_ratio",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.n,
    worst=_furthest,
    explained_by=("lr-jump", "lr-out-of-band", "update-too-large"),
)
