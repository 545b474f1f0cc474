"""Replies grow longer and longer, and the reward does not rise any more.

What it means
    The length has a rising trend and stands a quarter above what it was when the reward last rose. Every token costs
    generation and memory, and these buy nothing. It is a warning; at more than three times the length of the beginning it is
    high. Replies that grow while the reward rises, as in a run that learns to reason, are left alone.

Why it happens
    GRPO's loss over the mean of each sequence spreads a bad reply's penalty over its tokens, so that long wrong replies are
    punished less a token than short ones. Or the reward prefers longer text for its own sake, as most reward models do.

What to do
    Use a loss that does not divide by the reply's own length (`loss_type="dr_grpo"` or `"dapo"`), punish length softly near
    the limit (`get_soft_overlong_punishment`), and look at whether length and reward go together within a prompt.

Where the limit comes from
    Catalogue: a rising trend of the length over 64 logs by more than 25 % under a flat reward; three times the first length
    is high. Dr. GRPO (arXiv 2503.20783) shows the bias of the loss, Singhal et al. (arXiv 2310.03716) that of reward models.
    Here the growth is counted from the last log at which the reward was rising, and only 64 logs after it: healthy runs of
    this project's own calibration grow by half while their reward levels off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.beside import RewardPast, direction_of, held, reward_direction
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.lengths import READS, SMOOTH, LengthPast, lengths
from rldk_tui.diagnosis.levels import graded
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        growth: Since the reward last rose, as a share.
        logs: That must have passed since.
        times: The first length, from which it is high.
    """

    growth: float = 0.25
    logs: int = 64
    times: float = 3.0
    m: int = 8
    n: int = 10


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept; `risen` is the last log at which the reward was rising, `then` the length at that time."""

    lengths: LengthPast = field(default_factory=LengthPast)
    trend: RewardPast = field(default_factory=RewardPast)
    reward: RewardPast = field(default_factory=RewardPast)
    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    risen: float = math.nan
    then: float = math.nan


def applies(info: RunInfo) -> str | None:
    """Trainers that raise a reward."""
    return None if info.algorithm is None or info.algorithm in ONLINE else "this trainer raises no reward of sampled replies"


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """How far the length has grown since the reward last rose."""
    limits: Limits = context.limits
    found, kept = lengths(rows, context.scope, past.lengths, cadence.window(SMOOTH, context.info))
    at, everywhere = found.at, np.arange(found.at.size)
    trend, trend_past = direction_of(rows, at, context.scope, past.trend)
    reward, reward_past = reward_direction(rows, at, past.reward)
    # A reward that is not known to have levelled off, and a beginning that is not known, count as rising.
    rising = np.flatnonzero(~(reward <= 0.0) | np.isnan(found.first) | np.isnan(found.middle))
    risen, last_risen = held(rising, found.counts[rising].astype(np.float64), everywhere, past.risen)
    then, last_then = held(rising, found.middle[rising], everywhere, past.then)
    grown = found.middle > (1.0 + limits.growth) * then
    drifts = grown & (trend == 1.0) & (found.counts - risen >= cadence.window(limits.logs, context.info))
    opened, flags = m_of_n(drifts, past.flags, *cadence.persistence(limits.m, limits.n, context.info))
    far = found.middle > limits.times * found.first
    return Verdict(
        at=at,
        breach=grown,
        level=graded([opened & far, opened], [Severity.HIGH.rank, Severity.WARNING.rank]),
        value=found.middle,
        limit=(1.0 + limits.growth) * then,
        past=Past(kept, trend_past, reward_past, flags, last_risen, last_then),
        facts={"then": then, "first": found.first},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    then, first = episode.facts["then"], episode.facts["first"]
    return Telling(
        summary=f"Replies grew from {then:.4g} to {episode.peak:.4g} tokens by step {episode.peak_step} while the reward no "
        f"longer rose (limit {percent(context.limits.growth)} more; they began at {first:.4g}).",
        cause=_cause(info),
        advice=(
            *_loss(info),
            Advice(text="Punish length softly near the limit, e.g. with TRL's get_soft_overlong_punishment."),
            Advice(text="Compare the longest replies of a prompt with its shortest: are they better, or only longer?"),
        ),
    )


def _divides_by_length(info: RunInfo) -> bool:
    """Whether the loss is the mean over each reply's own tokens."""
    return info.algorithm is Algorithm.GRPO and info.config.get("loss_type") == "grpo"


def _cause(info: RunInfo) -> str:
    if _divides_by_length(info):
        return 'loss_type "grpo" divides by the length of each reply, so long wrong replies are punished less a token.'
    return "The objective favours length: the reward prefers longer text, or nothing pays for ending a reply."


def _loss(info: RunInfo) -> tuple[Advice, ...]:
    if not _divides_by_length(info):
        return ()
    return (set_to(info, "loss_type", "Do not divide by the length of each reply", '"dr_grpo" or "dapo"', current="grpo"),)


RULE = RowRule(
    family=Family.LENGTH,
    reads=READS,
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.logs,
    ceiling=Severity.HIGH,
    adaptive=True,
    explained_by=("length-reward-coupling", "truncation", "data-truncation", "pad-equals-eos"),
)
