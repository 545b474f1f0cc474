"""Replies have shrunk to a fraction of what they were.

What it means
    The replies are shorter than a seventh of what they were in the first logs, and stay so: the policy says next to nothing.
    It is high when the reward rose meanwhile, for then shortness is what is paid for. Below three tenths it is only a
    remark, since many runs learn to be brief and lose nothing by it.

Why it happens
    The reward falls with length (a penalty, a length target, a model that punishes every possible mistake), or an empty reply
    scores better than a wrong one. A policy that has collapsed may also have settled on a very short text.

What to do
    Read the newest replies. If they lack what was asked for, give a reply without content no reward at all, or pay for length
    up to what an answer needs; then go back to a checkpoint from before. If brevity is what you want, mute this rule.

Where the limit comes from
    Catalogue: less than 30 % of the median of the first 20 logs, in eight of ten logs. TRL issue 2806 shows replies driven to
    20 characters by a reward of length. The catalogue calls 30 % a warning; healthy runs of this project's own calibration
    shrink to 32 % and solve their task, so the warning stands at half of that. Only replies that ended by themselves are
    counted: a model that rambles to the limit at first and learns to end is no collapse.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.beside import SmoothPast, held, smoothed
from rldk_tui.diagnosis.lengths import FIRST, READS, SMOOTH, LengthPast, lengths
from rldk_tui.diagnosis.levels import graded
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n


@dataclass(frozen=True, slots=True)
class Limits:
    """Shares of the first length; see the manual for the source.

    Attributes:
        gain: By how much of a batch's spread the reward must be above its beginning to have risen.
    """

    remark: float = 0.3
    warning: float = 0.15
    m: int = 8
    n: int = 10
    gain: float = 0.5


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept; `begun` is the reward at the end of the first logs."""

    lengths: LengthPast = field(default_factory=LengthPast)
    reward: SmoothPast = field(default_factory=SmoothPast)
    spread: SmoothPast = field(default_factory=SmoothPast)
    begun: float = math.nan
    remark: Floats = field(default_factory=lambda: NOTHING_YET)
    warning: Floats = field(default_factory=lambda: NOTHING_YET)


def applies(info: RunInfo) -> str | None:
    """Trainers that sample replies."""
    return None if info.algorithm is None or info.algorithm in ONLINE else "this trainer samples no replies"


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The length against that of the first logs, and whether the reward rose meanwhile."""
    limits: Limits = context.limits
    info = context.info
    size = cadence.window(SMOOTH, info)
    found, kept = lengths(rows, context.scope, past.lengths, size)
    at = found.at
    short = found.values < limits.remark * found.first
    m, n = cadence.persistence(limits.m, limits.n, info)
    remark, remark_flags = m_of_n(short, past.remark, m, n)
    warning, warning_flags = m_of_n(found.values < limits.warning * found.first, past.warning, m, n)
    reward, reward_past = smoothed(rows, at, "reward", size, past.reward)
    spread, spread_past = smoothed(rows, at, "reward_std", size, past.spread)
    start = np.flatnonzero(found.counts == FIRST)
    begun, last_begun = held(start, reward[start], np.arange(at.size), past.begun)
    rose = reward - begun > limits.gain * np.nan_to_num(spread)
    level = graded([warning & rose, warning, remark], [Severity.HIGH.rank, Severity.WARNING.rank, Severity.INFO.rank])
    return Verdict(
        at=at,
        breach=short,
        level=level,
        value=found.values,
        limit=np.where(warning, limits.warning, limits.remark) * found.first,
        past=Past(kept, reward_past, spread_past, last_begun, remark_flags, warning_flags),
        facts={"first": found.first, "reward": np.where(rose, reward, np.nan), "begun": begun},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    limits: Limits = context.limits
    facts = episode.facts
    limit = limits.remark if episode.severity is Severity.INFO else limits.warning
    return Telling(
        summary=f"Replies shrank from {facts['first']:.4g} to {episode.peak:.3g} tokens by step {episode.peak_step}, "
        f"{percent(episode.peak / facts['first'])} of what they were at first (limit {percent(limit)}).",
        cause=f"The reward rose meanwhile, from {facts['begun']:.3g} to {facts['reward']:.3g}: shortness pays."
        if "reward" in facts and "begun" in facts
        else "The policy gives up content for brevity, or has settled on one short text.",
        advice=(
            Advice(text="Read the newest replies: do they still hold what was asked for?"),
            Advice(text="If not, give a reply without content no reward, or pay for length up to what an answer needs."),
        ),
    )


RULE = RowRule(
    family=Family.LENGTH,
    reads=READS,
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.n,
    worst=np.argmin,
    ceiling=Severity.HIGH,
    adaptive=True,
    explained_by=("entropy-collapse", "length-reward-coupling", "lr-out-of-band", "kl-too-high"),
)
