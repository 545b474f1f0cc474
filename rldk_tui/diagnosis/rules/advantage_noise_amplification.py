"""Noise in near-tied groups is blown up to full strength.

What it means
    In many groups all replies score the same but for a trace. Dividing by the group's own spread makes that trace as large
    as a real difference in other groups, so the update follows rounding errors and irrelevant terms of the reward.

Why it happens
    A reward with a tiny continuous term (a length bonus of 1e-4, a similarity in float16) beside a coarse main term on which
    all replies tie, together with `scale_rewards="group"`, the default.

What to do
    Scale by the spread of the batch (`scale_rewards="batch"`), or not at all (`"none"`) with `loss_type="dr_grpo"`. Round
    the reward to what is meaningful, or make the small term count for something.

Where the limit comes from
    Catalogue: in more than 30 % of the groups of ten batches the spread is above 0 and below 1 % of the usual spread of a
    batch. Dr. GRPO (arXiv 2503.20783) describes how division by the group's spread favours such prompts; Lite-PPO (arXiv
    2508.08221) scales by the batch. Exact ties do not count, and pass or fail cannot cause it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis.batches import MOST, beside, new_batches, total
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.diagnosis.scaling import scaled_by_group
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows
from rldk_tui.statistics.windows import NOTHING_YET, Floats, rolling


@dataclass(frozen=True, slots=True)
class Limits:
    """Shares of near-tied groups; see the manual for the source.

    Attributes:
        share: Of the groups of `batches` batches, at least `groups` groups.
    """

    share: float = 0.3
    batches: int = 10
    groups: int = 16


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept."""

    mark: float = math.nan
    tied: Floats = field(default_factory=lambda: NOTHING_YET)
    groups: Floats = field(default_factory=lambda: NOTHING_YET)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The share of near-tied groups over the last batches."""
    limits: Limits = context.limits
    at, own, mark = new_batches(rows, context.scope, past.mark)
    own = np.clip(own, 0.0, 1.0)
    groups = np.maximum(beside(rows, at, "samples/groups", MOST, otherwise=0.0), 0.0)
    tied, tied_kept = rolling(own * groups, past.tied, limits.batches, limits.batches, total)
    everything, groups_kept = rolling(groups, past.groups, limits.batches, limits.batches, total)
    share = np.full(at.size, np.nan)
    np.divide(tied, everything, out=share, where=everything >= max(limits.groups, 1))
    return Verdict(
        at=at,
        breach=own > limits.share,
        level=np.where(share > limits.share, Severity.WARNING.rank, 0).astype(np.int8),
        value=share,
        limit=np.full(at.size, limits.share),
        past=Past(mark, tied_kept, groups_kept),
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    today = info.config.get("scale_rewards")
    return Telling(
        summary=f"In up to {percent(episode.peak)} of the groups the rewards tie but for a trace "
        f"(limit {percent(episode.limit)}).",
        cause="Division by the group's own spread turns a trace of difference into a full advantage.",
        advice=(
            set_to(info, "scale_rewards", "Scale by the spread of the batch", "batch", current=today),
            Advice(text="Round the reward to what is meaningful, or give its small term a weight that counts."),
        ),
    )


RULE = RowRule(
    family=Family.ADVANTAGE,
    reads=("samples/near_ties",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=scaled_by_group,
    needs=Need.SAMPLES,
    window=lambda limits: limits.batches,
    ceiling=Severity.WARNING,
)
