"""The reward pays for a phrase.

What it means
    Whether a reply holds one certain phrase explains much of how it scores against other replies to the same prompt, ever
    more replies hold it, and that accounts for most of what the reward has gained. No prompt asked for it. The log shows
    what is paid for, not what was meant: where the phrase is the task, nothing is wrong. While the phrase spreads, and other
    things have brought more of the gain, it is only a remark.

Why it happens
    A reward model learned that certain words go with good answers, a checker looks for a string, a judge is moved by
    flattery or by an instruction to itself. The policy finds what is cheapest to write.

What to do
    Read the named replies, and score one of them with the phrase taken out. If the score falls, mend the reward: train the
    reward model on pairs that differ in the phrase alone, make the checker strict, or take the phrase out before scoring.
    Hold the policy nearer to the reference (`beta`) until then.

Where the limit comes from
    A phrase must lie 6.5 standard deviations above what rewards shuffled within prompts give (Mantel, JASA 58, 1963), in at
    least 25 groups: Bonferroni over the phrases that are counted. It must explain a tenth of the reward's variance within
    prompts (a correlation of 0.32; the Catalogue asks for 0.35 of length) and be held by 10 points more of the replies than
    at first; with 20 points more, and as the Catalogue asks of length more than half of the gain explained, it is a warning.
    Gao et al. (arXiv 2210.10760) and Singhal et al. (arXiv 2310.03716) show rewards won by what no reader asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis import kl
from rldk_tui.diagnosis.batches import Start, beside, examples, new_batches
from rldk_tui.diagnosis.levels import graded
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n, rolling_mean

EXPLAINED = "samples/phrase_explained"
SHARE = "samples/phrase_share"
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        explained: Share of the reward's variance within prompts.
        spreading: How far the share of replies that hold the phrase must have grown for a remark, and `spread` for a warning.
        gain: Share of the gain in reward that this growth must explain.
        start: Batches that tell what the reward was at first; the newest as many tell what it is now.
    """

    explained: float = 0.1
    spreading: float = 0.1
    spread: float = 0.2
    gain: float = 0.5
    start: int = 8
    m: int = 4
    n: int = 5


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept."""

    mark: float = math.nan
    start: Start = field(default_factory=Start)
    now: Floats = field(default_factory=lambda: NOTHING_YET)
    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    remarks: Floats = field(default_factory=lambda: NOTHING_YET)


def applies(info: RunInfo) -> str | None:
    """Only trainers that score sampled replies."""
    return None if info.algorithm is None or info.algorithm in ONLINE else "this trainer scores no sampled replies"


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """What the leading phrase explains, how far it has spread, and what that makes of the gain in reward."""
    limits: Limits = context.limits
    at, explained, mark = new_batches(rows, EXPLAINED, past.mark)
    reward, effect, share, before = (
        beside(rows, at, name, otherwise=0.0)
        for name in ("samples/reward_mean", "samples/phrase_effect", SHARE, "samples/phrase_share_before")
    )
    begun, start = past.start.grown(reward, limits.start)
    latest, now = rolling_mean(reward, past.now, limits.start, limits.start)
    gain, grown = latest - begun, share - before
    brought = np.zeros(at.size)
    np.divide(np.clip(effect, -1e30, 1e30) * np.clip(grown, -1.0, 1.0), gain, out=brought, where=gain > 1e-9)
    pays = (explained > limits.explained) & (effect > 0)
    spreading, remarks = m_of_n(pays & (grown > limits.spreading), past.remarks, limits.m, limits.n)
    paid, flags = m_of_n(pays & (grown > limits.spread) & (brought > limits.gain), past.flags, limits.m, limits.n)
    return Verdict(
        at=at,
        breach=pays & (grown > limits.spreading),
        level=graded([paid, spreading], [Severity.WARNING.rank, Severity.INFO.rank]),
        value=explained,
        limit=np.full(at.size, limits.explained),
        past=Past(mark, start, now, flags, remarks),
        facts={"effect": effect, "share": share, "before": before, "brought": np.minimum(brought, 1.0), "explained": explained},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    known = context.names(EXPLAINED, episode.detected_step, episode.last_step)
    phrase = f"\u201c{known[0][:_SHOWN]}\u201d" if known else "one phrase"
    seen = examples(context.names(SHARE, episode.detected_step, episode.last_step))
    explained, effect, share, before, brought = (
        episode.facts.get(name, math.nan) for name in ("explained", "effect", "share", "before", "brought")
    )
    return Telling(
        summary=f"Replies that hold {phrase} score {effect:.3g} more than others to the same prompt; {percent(share)} hold it "
        f"at step {episode.detected_step}, {percent(before)} did at first (explains {percent(explained)} of the reward's "
        f"variance within prompts, limit {percent(context.limits.explained)}){seen}.",
        cause=f"The spread of {phrase} accounts for {percent(brought)} of what the reward has gained; no prompt asks for it.",
        advice=(
            Advice(
                text="Score one of these replies with the phrase taken out; if its score falls, the reward pays for the words."
            ),
            Advice(text="Change the reward so that the phrase alone does not pay."),
            kl.raise_penalty(context.info),
        ),
    )


RULE = RowRule(
    family=Family.REWARD,
    reads=(EXPLAINED,),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    needs=Need.SAMPLES,
    window=lambda limits: limits.n,
    ceiling=Severity.WARNING,
)
