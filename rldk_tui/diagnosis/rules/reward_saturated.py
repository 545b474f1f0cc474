"""All replies earn the best reward of the run: nothing is left to learn.

What it means
    The reward stands at its height and the replies of a batch hardly differ in it any more. Where the policy still writes
    different, finished replies the task is solved: that is a remark, and the rest of the run is waste. Where its entropy is
    spent, where the replies to a prompt are nearly all the same, or where nearly all are cut off, it is a warning: the policy
    found one text that scores full marks, and that looks the same in the reward.

Why it happens
    The prompts have become too easy for the policy, or the reward has a maximum that a trick reaches: a phrase, a length, a
    format. A pass-or-fail reward saturates by design once the task is solved.

What to do
    Read ten replies. If they are good, stop here, or go on with harder prompts and leave out those that are always solved.
    If they are one and the same trick, go back to a checkpoint from before, and make the reward graded or harder to fool.

Where the limit comes from
    Catalogue: a spread of the rewards below 1 % of the range the reward has come through, in five of five logs, at the top of
    its history. A run with a learning rate a thousand times too high ended so, reward 1.0 at entropy 0. DAPO
    (arXiv 2503.14476) samples prompts anew to keep differences in the batch. What tells a trick from a solved task are the
    limits of entropy-collapse, truncation and entropy-diversity-mismatch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.beside import SmoothPast, last_known, smoothed
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n, rolling_median


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        spread: Of the range of the reward so far, below which the rewards of a batch are alike.
        top: How far below its height, as a share of that range, the reward may stand.
        spent: Entropy below which the policy has collapsed, in nat/token.
        cut: Share of replies cut off from which none is finished.
        unique: Share of different replies to a prompt below which they are all one.
        beside: Logs over which these three are taken.
    """

    spread: float = 0.01
    top: float = 0.02
    m: int = 5
    n: int = 5
    at_least: int = 20
    spent: float = 0.05
    cut: float = 0.95
    unique: float = 0.25
    beside: int = 5


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept; the highest and lowest are medians of the reward."""

    seen: int = 0
    reward: float = math.nan
    recent: Floats = field(default_factory=lambda: NOTHING_YET)
    highest: float = -math.inf
    lowest: float = math.inf
    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    entropy: SmoothPast = field(default_factory=SmoothPast)
    cut: SmoothPast = field(default_factory=SmoothPast)
    unique: SmoothPast = field(default_factory=SmoothPast)


def applies(info: RunInfo) -> str | None:
    """Trainers that raise a reward."""
    return None if info.algorithm is None or info.algorithm in ONLINE else "this trainer raises no reward of sampled replies"


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The spread of the batch's rewards against the range the reward has come through, at the height of it."""
    limits: Limits = context.limits
    info = context.info
    at, spreads = finite_rows(rows, "reward_std")
    reward, latest = last_known(rows, at, "reward", past.reward)
    known = ~np.isnan(reward)
    at, spreads, reward = at[known], spreads[known], reward[known]
    middle, recent = rolling_median(reward, past.recent, limits.beside, limits.beside)
    highs = np.fmax.accumulate(np.concatenate(([past.highest], middle)))[1:]
    lows = np.fmin.accumulate(np.concatenate(([past.lowest], middle)))[1:]
    come = np.maximum(highs - lows, 0.0)
    alike = (np.abs(spreads) < limits.spread * come) & (middle >= highs - limits.top * come)
    done, flags = m_of_n(alike, past.flags, *cadence.persistence(limits.m, limits.n, info))
    entropy, entropy_past = smoothed(rows, at, "entropy", limits.beside, past.entropy)
    cut, cut_past = smoothed(rows, at, "completions/clipped_ratio", limits.beside, past.cut)
    unique, unique_past = smoothed(rows, at, "samples/unique_in_group", limits.beside, past.unique)
    trick = (entropy < limits.spent) | (cut > limits.cut) | (unique < limits.unique)
    ready = past.seen + 1 + np.arange(at.size) >= cadence.window(limits.at_least, info)
    level = np.where(done & ready, np.where(trick, Severity.WARNING.rank, Severity.INFO.rank), 0)
    return Verdict(
        at=at,
        breach=alike,
        level=level.astype(np.int8),
        value=middle,
        limit=limits.spread * come,
        past=Past(
            past.seen + at.size,
            latest,
            recent,
            float(highs[-1]) if highs.size else past.highest,
            float(lows[-1]) if lows.size else past.lowest,
            flags,
            entropy_past,
            cut_past,
            unique_past,
        ),
        facts={"spread": spreads, "entropy": entropy, "cut": cut, "unique": unique},
    )


_LEARNED = "The policy has learned what this reward can teach it on these prompts."
_CONSTANT = "The policy has learned all that this reward can teach it, or the reward has become a constant."


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    trick = _trick(episode, context.limits)
    return Telling(
        summary=f"From step {episode.first_step} on the reward stood at its height of {episode.peak:.3g}, and the replies of a "
        f"batch hardly differed in it: spread {episode.facts['spread']:.2g} (limit {episode.limit:.2g}, "
        f"{percent(context.limits.spread)} of the range the reward has come through).",
        cause=trick or (_CONSTANT if episode.facts["spread"] == 0.0 else _LEARNED),
        advice=(
            Advice(text="Read ten of the newest replies: full marks alone do not tell a solved task from a trick."),
            Advice(text="Go back to a checkpoint from before, and make the reward graded or harder to fool.")
            if trick
            else Advice(text="If they are good, stop here or go on with harder prompts."),
        ),
    )


def _trick(episode: Episode, limits: Limits) -> str | None:
    """What shows that full marks are earned by one text, in one sentence; None where nothing does."""
    facts = episode.facts
    signs = [
        *([f"the entropy was {facts['entropy']:.2g} nat/token"] if facts.get("entropy", math.inf) < limits.spent else []),
        *([f"{percent(facts['cut'])} of the replies were cut off"] if facts.get("cut", 0.0) > limits.cut else []),
        *(
            [f"{percent(facts['unique'])} of the replies to a prompt differed"]
            if facts.get("unique", 1.0) < limits.unique
            else []
        ),
    ]
    if not signs:
        return None
    return f"This is a collapsed optimum rather than a solved task: at step {episode.detected_step} {' and '.join(signs)}."


RULE = RowRule(
    family=Family.REWARD,
    reads=("reward_std",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.n,
    close_after=20,
    reopen_within=100,
    ceiling=Severity.WARNING,
    explained_by=(
        "entropy-collapse",
        "zero-variance-groups",
        "proxy-gold-divergence",
        "truncation",
        "entropy-diversity-mismatch",
    ),
)
