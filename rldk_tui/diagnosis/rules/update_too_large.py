"""Single updates move the policy too far.

What it means
    Within one update the policy leaves the region in which the sampled replies still tell anything about it. The next
    replies come from another policy, the value function no longer fits, and the entropy is often gone a few steps later.

Why it happens
    The learning rate is too high for the model, there are too many passes over each batch (`num_ppo_epochs`), or the batch is
    so small that its advantages are noise.

What to do
    Lower `learning_rate`, halve `num_ppo_epochs`, or enlarge the batch. If the value lies above 1, the policy is very likely
    lost already: start again from the last checkpoint before the first such step.

Where the limit comes from
    Spinning Up stops an update at 1.5 times a target KL of 0.01 to 0.02: 0.03 in three of five logs is a warning here. The
    catalogue's 0.1 is high and 1 critical. TRL logs half the mean squared change of the log-probability, so one token whose
    probability was almost 0 reaches 0.1 alone; where few tokens were clipped these limits therefore want two logs of five.
    The first update, in which Adam has no memory yet, does not count for the warning. Padding makes the number smaller
    than it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis import blame
from rldk_tui.diagnosis.levels import finite_rows, graded
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.diagnosis.trust_region import broad, of_ppo, smaller_updates, why
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        m: Logs of `n` for the warning.
        narrow: Logs of `n` for high and critical where few tokens were clipped.
        first: Updates that do not count for the warning.
    """

    warning: float = 0.03
    high: float = 0.1
    critical: float = 1.0
    m: int = 3
    narrow: int = 2
    n: int = 5
    first: int = 1


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept; `seen` counts the logs."""

    seen: int = 0
    flags: tuple[Floats, Floats, Floats] = (NOTHING_YET, NOTHING_YET, NOTHING_YET)
    clipped: float = math.nan
    rate: blame.RatePast = field(default_factory=blame.RatePast)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The size of each update against the three limits."""
    limits: Limits = context.limits
    at, moved = finite_rows(rows, "approx_kl")
    many, clipped = broad(rows, at, past.clipped)
    counted = past.seen + np.arange(at.size) >= limits.first
    large, large_flags = m_of_n((moved > limits.warning) & counted, past.flags[0], limits.m, limits.n)
    twice, high_flags = m_of_n(moved > limits.high, past.flags[1], limits.narrow, limits.n)
    again, critical_flags = m_of_n(moved > limits.critical, past.flags[2], limits.narrow, limits.n)
    level = graded(
        [again | (many & (moved > limits.critical)), twice | (many & (moved > limits.high)), large],
        [Severity.CRITICAL.rank, Severity.HIGH.rank, Severity.WARNING.rank],
    )
    facts, rate = blame.learning_rates(rows, at, past.rate)
    return Verdict(
        at=at,
        breach=moved > limits.warning,
        level=level,
        value=moved,
        limit=np.full(at.size, limits.warning),
        past=Past(past.seen + at.size, (large_flags, high_flags, critical_flags), clipped, rate),
        facts=facts,
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    back = Advice(text=f"Go back to the last checkpoint before step {episode.first_step}.")
    return Telling(
        summary=f"One update moved the policy by {episode.peak:.2g} nat²/token at step {episode.peak_step} "
        f"(limit {episode.limit:g}).",
        cause=why(episode, info),
        advice=(*smaller_updates(episode, info), back),
    )


RULE = RowRule(
    family=Family.POLICY,
    reads=("approx_kl",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=of_ppo,
    window=lambda limits: limits.n,
    explained_by=("lr-jump", "lr-out-of-band"),
)
