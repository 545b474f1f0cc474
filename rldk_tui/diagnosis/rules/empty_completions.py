"""The policy has learned to say nothing.

What it means
    Replies are empty, or end after a token or two. There is nothing to read and nothing to score; the reward is whatever the
    reward function gives to an empty text, and all replies to a prompt get the same, so learning stops as well.

Why it happens
    An empty reply is safer than a wrong one: it escapes a penalty for length, for format or for mistakes. Or the end token
    comes first because prompts are cut so that they already end with it, or because stop words match at once.

What to do
    Score an empty text with the reward function: it must be the worst score there is. Set a floor for the length in the
    reward, look at one prompt as the model gets it, and check the stop tokens. Go back to a checkpoint from before.

Where the limit comes from
    Catalogue: more than 30 % of the replies without text or of two tokens at most (the end token counts), and 20 points more
    than in the first batches, for a task may ask for one word; or in 5 of 8 logs a mean length below a tenth of the median
    of the first 20 logs. A public nexus-coder run ended there: mean length 1.15, reward 0, no group with a difference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.batches import SharePast, examples, pooled_shares
from rldk_tui.diagnosis.beside import held
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.diagnosis.usual import UsualPast, usual
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n

SHARE, LENGTH = "samples/empty", "completions/mean_length"


@dataclass(frozen=True, slots=True)
class Limits:
    """What is empty; see the manual for the source.

    Attributes:
        share: Of the replies, and `above_start` more than in the first `start` batches.
        batches: Batches that are pooled, at least `at_least` of them and `replies` replies.
        tenth: Mean length against the median of the first `first` logs, in `m` of `n` logs.
        shortest: Tokens below which that median tells of a task that asks for a word.
    """

    share: float = 0.3
    above_start: float = 0.2
    start: int = 5
    batches: int = 8
    at_least: int = 3
    replies: int = 32
    tenth: float = 0.1
    first: int = 20
    shortest: float = 10.0
    m: int = 5
    n: int = 8


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept of the samples and of the logged length; `said` are their last words."""

    share: SharePast = field(default_factory=SharePast)
    share_said: tuple[float, float] = (0.0, math.nan)
    first: UsualPast = field(default_factory=UsualPast)
    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    short_said: tuple[float, float] = (0.0, math.nan)


def applies(info: RunInfo) -> str | None:
    """Only trainers that sample replies."""
    return None if info.algorithm is None or info.algorithm in ONLINE else "this trainer samples no replies"


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The pooled share of empty replies, and the logged length against its own start."""
    limits: Limits = context.limits
    found, share_kept = pooled_shares(
        rows, SHARE, past.share, batches=limits.batches, at_least=limits.at_least, replies=limits.replies, start=limits.start
    )
    least = np.maximum(limits.share, found.at_start + limits.above_start)
    empty = found.pooled > least
    logs, length = finite_rows(rows, LENGTH)
    at_first, first = usual(length[None], past.first, skip=0, size=limits.first, gap=0, at_least=limits.first)
    low = (at_first[0] >= limits.shortest) & (length < limits.tenth * at_first[0])
    short, flags = m_of_n(low, past.flags, *cadence.persistence(limits.m, limits.n, context.info))
    at = np.union1d(found.at, logs)
    by_share, _ = held(found.at, empty.astype(np.float64), at, past.share_said[0])
    share, share_last = held(found.at, found.pooled, at, past.share_said[1])
    by_length, _ = held(logs, short.astype(np.float64), at, past.short_said[0])
    now, length_last = held(logs, length, at, past.short_said[1])
    trouble = (by_share > 0) | (by_length > 0)
    breach = np.isin(at, found.at[found.own > np.fmax(limits.share, least)]) | np.isin(at, logs[low])
    return Verdict(
        at=at,
        breach=breach,
        level=np.where(trouble, Severity.HIGH.rank, 0).astype(np.int8),
        value=np.where(by_share > 0, share, 1.0),
        limit=np.full(at.size, limits.share),
        past=Past(
            share_kept,
            (float(empty[-1]), share_last) if empty.size else past.share_said,
            first,
            flags,
            (float(short[-1]), length_last) if short.size else past.short_said,
        ),
        facts={"empty": np.where(by_share > 0, share, np.nan), "length": now},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    limits: Limits = context.limits
    if "empty" in episode.facts:
        seen = examples(context.names(SHARE, episode.first_step, episode.last_step))
        summary = (
            f"Up to {percent(episode.peak)} of the replies are empty or end at once (limit {percent(limits.share)}){seen}."
        )
    else:
        length = episode.facts.get("length", 0.0)
        summary = (
            f"At step {episode.detected_step} replies had {length:.2g} tokens on average, less than "
            f"{percent(limits.tenth)} of what they had in the first logs."
        )
    return Telling(
        summary=summary,
        cause="Saying nothing scores no worse than what the policy would have said, or its end token comes first.",
        advice=(
            Advice(text="Score an empty text with the reward function: it must be the worst score there is."),
            Advice(text="Look at one prompt as the model gets it, and at the tokens that stop generation."),
            Advice(text=f"Go back to the last checkpoint before step {episode.first_step}."),
        ),
    )


RULE = RowRule(
    family=Family.TEXT,
    reads=(SHARE, LENGTH),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    needs=Need.SAMPLES,
    window=lambda limits: limits.batches,
    ceiling=Severity.HIGH,
    explained_by=("lr-out-of-band", "lr-jump", "kl-too-high", "kl-control-lost", "update-too-large", "entropy-collapse"),
)
