"""The reward rose suddenly, and the replies changed with it.

What it means
    Within ten logs the reward rose further than it usually moves in a run of noise, and at the same time the length, the
    entropy or the repetition of the replies moved, too. That is how the discovery of a trick looks: real skill comes more
    slowly. It may be a good trick, such as a format learned; in the first tenth of a run that is likely, and it is only a
    remark.

Why it happens
    A reward that one phrase, one format or one length satisfies, a checker with a hole, or a task that is learned at once
    when a format is found.

What to do
    Read the ten completions with the highest reward after the jump. Score them by something the training does not see:
    another checker, a held-out evaluation, a person. If they are good, nothing need be done.

Where the limit comes from
    Catalogue: a one-sided cumulative sum of the reward corrected for autocorrelation (h = 12, or 10 in runs of less than
    300 logs), a rise of more than 5 robust deviations within 10 logs, and 3 of another metric. DeepSeek-R1 (arXiv
    2501.12948) and Gao et al. (arXiv 2210.10760) describe rewards that rise while quality falls. A reward that jumps while
    the policy does not move is another matter: `reward-shift`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from rldk_tui.diagnosis import cadence, shifts
from rldk_tui.diagnosis.beside import last_known
from rldk_tui.diagnosis.levels import finite_rows, graded
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.diagnosis.warm_up import warmed_up
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.cusum import CusumPast, cusum
from rldk_tui.statistics.robust import Baseline, robust_z
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats, m_of_n, rolling_median

REPLIES = {
    "completions/mean_length": "length",
    "entropy": "entropy",
    "samples/repeating": "repetition",
}
"""Metrics that say what the replies are like, and their names for people."""


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual; deviations are robust ones of the `size` logs that end `within` logs ago.

    Attributes:
        floor: The least deviation of the reward, and `other_floor` that of another metric, as shares of their levels.
        start: The share of the run in which a jump is only a remark.
    """

    rise: float = 5.0
    other: float = 3.0
    within: int = 10
    size: int = 64
    at_least: int = 20
    median: int = 5
    m: int = 3
    n: int = 5
    floor: float = 0.02
    other_floor: float = 0.02
    start: float = 0.1


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Series:
    """What is kept of one metric: the values of its baseline, up to the last, how many were known, and the last logged."""

    before: Floats = field(default_factory=lambda: NOTHING_YET)
    known: int = 0
    latest: float = math.nan


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept; `seen` counts the logs."""

    seen: int = 0
    sum: CusumPast = field(default_factory=CusumPast)
    reward: Series = field(default_factory=Series)
    others: tuple[Series, ...] = (Series(),) * len(REPLIES)
    flags: Floats = field(default_factory=lambda: NOTHING_YET)


def applies(info: RunInfo) -> str | None:
    """Trainers that raise a reward."""
    return None if info.algorithm is None or info.algorithm in ONLINE else "this trainer raises no reward of sampled replies"


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The median reward against ten logs ago, and what else moved."""
    limits: Limits = context.limits
    info = context.info
    at, reward = finite_rows(rows, "reward")
    ready = warmed_up(rows.steps[at], past.seen + 1 + np.arange(at.size), limits.at_least, info)
    risen, kept = cusum(reward, past.sum, shifts.design(info, 1e-6, limits.floor), 1)
    z, middle, usual, reward_kept = _moved(reward, past.reward, limits.floor, risen.alarm & ready, limits, info)
    up = z > limits.rise
    moves, others = [], []
    for name, before in zip(REPLIES, past.others, strict=True):
        values, latest = last_known(rows, at, name, before.latest)
        moved, _, _, after = _moved(values, replace(before, latest=latest), limits.other_floor, up, limits, info)
        moves.append(moved)
        others.append(after)
    together = up & np.logical_or.reduce([np.abs(moved) > limits.other for moved in moves])
    m, n = cadence.persistence(limits.m, limits.n, info)
    jumped, flags = m_of_n(together, past.flags, m, n)
    early = rows.steps[at] - info.first_step < limits.start * (info.max_steps or 0)
    return Verdict(
        at=at,
        breach=together,
        level=graded([jumped & early, jumped], [Severity.INFO.rank, Severity.WARNING.rank]),
        value=middle,
        limit=usual,
        past=Past(past.seen + at.size, kept, reward_kept, tuple(others), flags),
        facts={"usual": usual, **dict(zip(REPLIES, moves, strict=True))},
    )


def _moved(
    values: Floats, past: Series, floor: float, asked: Bools, limits: Limits, info: RunInfo
) -> tuple[Floats, Floats, Floats, Series]:
    """How far the median lies from what was usual some logs ago, in robust deviations; the median; the usual."""
    size = cadence.window(limits.median, info)
    baseline = Baseline(
        cadence.window(limits.size, info),
        cadence.window(limits.within, info),
        cadence.window(limits.at_least, info),
        relative=floor,
    )
    known = past.known + np.cumsum(~np.isnan(values))
    asked = asked & (known - baseline.gap >= baseline.at_least)
    found, before = robust_z(values, past.before, baseline, asked)
    kept = Series(before, int(known[-1]) if known.size else past.known, past.latest)
    if not asked.any():
        return found.z, found.z, found.middle, kept
    middle, _ = rolling_median(values, past.before[max(0, past.before.size - size + 1) :], size, size)
    return (middle - found.middle) / found.spread, middle, found.middle, kept


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    limits: Limits = context.limits
    moved = {metric: episode.facts.get(metric, 0.0) for metric in REPLIES}
    with_it = [
        f"{'more' if moved[metric] > 0 else 'less'} {name}"
        for metric, name in REPLIES.items()
        if abs(moved[metric]) > limits.other
    ]
    usual = episode.facts.get("usual", episode.limit)
    early = " It is early in the run, where formats are learned." if episode.severity is Severity.INFO else ""
    return Telling(
        summary=f"Reward jumped from {usual:.3g} to {episode.peak:.3g} by step {episode.peak_step}, "
        f"together with {' and '.join(with_it) or 'a change in the replies'}.",
        cause=f"The policy has found something that pays at once, a trick or a format.{early}",
        advice=(
            Advice(text=f"Read the completions with the highest reward after step {episode.first_step}."),
            Advice(text="Score them with a checker that the training does not see."),
        ),
    )


RULE = RowRule(
    family=Family.REWARD,
    reads=("reward",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.n,
    ceiling=Severity.WARNING,
    adaptive=True,
    explained_by=("lr-jump",),
)
