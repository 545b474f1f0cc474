"""Advantages are not what they should be: centred on 0 with a spread of 1.

What it means
    Advantages that were divided by their group's spread have a mean of 0 and a spread near 1, by construction. Here they
    have not: some replies are left out on one side, or the division went wrong, and the update as a whole is pushed one
    way or has the wrong size.

Why it happens
    A changed trainer or reward pipeline: advantages computed on other groups than the replies belong to, a mask applied
    before the mean is taken, several processes that normalise each for itself, a spread so small that the constant added
    to it decides.

What to do
    Print rewards and advantages of one group and compute (reward − mean) ÷ spread by hand. Check `num_generations` against
    the batch sizes, custom masks, and `scale_rewards`. If the rewards of a group differ by less than 1e-4, enlarge their
    scale.

Where the limit comes from
    Catalogue: |mean| above 0.1 or a spread outside of 0.5 to 2 in 5 of 10 batches, groups without any advantage left out.
    The spread of n replies is √((n−1)/n): 0.71 for two, 0.94 for eight. Normalised advantages are one of the 37
    implementation details of PPO; the rule is off where TRL's GRPO scales by the batch or not at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis.batches import beside, new_batches
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.diagnosis.scaling import scaled_by_group
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n

SPREAD, MEAN = "samples/advantage_std", "samples/advantage_mean"


@dataclass(frozen=True, slots=True)
class Limits:
    """Mean and spread of the advantages; see the manual for the source."""

    mean: float = 0.1
    low: float = 0.5
    high: float = 2.0
    m: int = 5
    n: int = 10


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept."""

    mark: float = math.nan
    flags: Floats = field(default_factory=lambda: NOTHING_YET)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """Mean and spread of each batch against what they must be."""
    limits: Limits = context.limits
    at, spread, mark = new_batches(rows, SPREAD, past.mark)
    mean = beside(rows, at, MEAN, otherwise=0.0)
    shifted = np.abs(mean) > limits.mean
    breach = shifted | (spread < limits.low) | (spread > limits.high)
    trouble, flags = m_of_n(breach, past.flags, limits.m, limits.n)
    return Verdict(
        at=at,
        breach=breach,
        level=np.where(trouble, Severity.WARNING.rank, 0).astype(np.int8),
        value=spread,
        limit=np.where(spread < limits.low, limits.low, limits.high),
        past=Past(mark, flags),
        facts={"mean": np.where(shifted, mean, np.nan), "spread": spread},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    limits: Limits = context.limits
    mean = episode.facts.get("mean")
    if mean is not None:
        what = f"a mean of {mean:.2g} (limit ±{limits.mean:g})"
    else:
        what = f"a spread of {episode.facts.get('spread', episode.peak):.2g} (expected {limits.low:g} to {limits.high:g})"
    return Telling(
        summary=f"At step {episode.detected_step} the advantages had {what} although they are divided by their groups' spread.",
        cause="Advantages are computed on other groups or other replies than they are used for, or next to nothing is divided.",
        advice=(
            Advice(text="Print rewards and advantages of one group and compute (reward − mean) ÷ spread by hand."),
            Advice(text="Check num_generations against the batch sizes, custom masks and scale_rewards."),
        ),
    )


RULE = RowRule(
    family=Family.ADVANTAGE,
    reads=(SPREAD,),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=scaled_by_group,
    needs=Need.SAMPLES,
    window=lambda limits: limits.n,
    ceiling=Severity.WARNING,
    explained_by=("advantage-noise-amplification",),
)
