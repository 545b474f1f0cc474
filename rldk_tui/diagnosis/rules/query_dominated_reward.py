"""The prompt decides the reward, hardly the reply.

What it means
    Rewards differ far more from prompt to prompt than between the replies to one prompt. The policy cannot choose its
    prompts, so most of what moves in the chart of the reward is which prompts were drawn. Where replies to a prompt are
    compared with each other this is only a remark: the part of the prompt is subtracted. It is a warning where the prompts'
    spread reaches the update: the batch's spread as the scale of all advantages, or a value function that must learn it.

Why it happens
    A reward model gives every answer to some questions more than any answer to others, prompts of several tasks are scored
    on different scales, or a function returns a property of the prompt (its length, its difficulty).

What to do
    Compare replies within prompts: `scale_rewards="group"`, or a baseline for each prompt. Bring tasks to one scale before
    they are mixed. Judge progress by the same prompts again (an evaluation set), not by the reward of whatever was drawn.

Where the limit comes from
    The TRL training FAQ names rewards dominated by the query. The limit is on the intraclass correlation (ICC(1), Shrout and
    Fleiss, Psychological Bulletin 86, 1979), pooled over the last batches: 0.9 is nine parts of variance between prompts to
    one within, and the lower end of its 95 % interval must exceed it (normal approximation for the logarithm of F). Groups
    that are tied and scores of pass or fail do not count within, and the spread within prompts is what it was in the first
    batches where it has shrunk since: a policy that has settled is not taken for one that never had a choice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis.batches import MOST, Start, beside, new_batches, total
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n, rolling

BETWEEN = "samples/reward_between"
_SUMS = (BETWEEN, "samples/reward_between_freedom", "samples/reward_within", "samples/reward_within_freedom")
_LARGEST = 1e150
_BOUND = 1.96


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        icc: What the lower 95 % bound of the intraclass correlation must exceed.
        between: Fewest degrees of freedom between prompts, and `within` them.
        batches: Batches that are added up.
        start: First batches that tell how far the replies to a prompt can differ.
    """

    icc: float = 0.9
    between: float = 24.0
    within: float = 64.0
    batches: int = 32
    start: int = 8
    m: int = 4
    n: int = 5


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept: the sums of the last batches."""

    mark: float = math.nan
    sums: tuple[Floats, ...] = (NOTHING_YET,) * len(_SUMS)
    starts: tuple[Start, Start] = (Start(), Start())
    flags: Floats = field(default_factory=lambda: NOTHING_YET)


def applies(info: RunInfo) -> str | None:
    """Only trainers that score sampled replies."""
    return None if info.algorithm is None or info.algorithm in ONLINE else "this trainer scores no sampled replies"


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The intraclass correlation of the last batches, and the least it can be."""
    limits: Limits = context.limits
    at, _, mark = new_batches(rows, BETWEEN, past.mark)
    columns = [np.maximum(beside(rows, at, name, _LARGEST, otherwise=0.0), 0.0) for name in _SUMS]
    summed = [rolling(column, kept, limits.batches, 1, total) for column, kept in zip(columns, past.sums, strict=True)]
    starts = [start.grown(column, limits.start) for start, column in zip(past.starts, columns[2:], strict=True)]
    between, free_between, within, free_within = (series for series, _ in summed)
    size = beside(rows, at, "samples/group_size", MOST, otherwise=0.0)
    enough = (free_between >= max(limits.between, 1.0)) & (free_within >= max(limits.within, 1.0)) & (within > 0) & (size > 1)
    apart = within / np.maximum(free_within, 1.0)
    at_first, free_at_first = starts[0][0], starts[1][0]
    enough &= ~np.isnan(at_first)
    apart[enough] = np.maximum(apart, at_first / np.maximum(free_at_first, 1.0))[enough]
    ratio, error = np.ones(at.size), np.zeros(at.size)
    np.divide(between / np.maximum(free_between, 1.0), apart, out=ratio, where=enough)
    np.sqrt(2.0 / np.maximum(free_between, 1.0) + 2.0 / np.maximum(free_within, 1.0), out=error, where=enough)
    icc, low = _icc(ratio, size), _icc(ratio * np.exp(-_BOUND * error), size)
    dominated = enough & (low > limits.icc)
    opened, flags = m_of_n(dominated, past.flags, limits.m, limits.n)
    severity = Severity.WARNING if _reaches_the_update(context.info) else Severity.INFO
    return Verdict(
        at=at,
        breach=dominated,
        level=np.where(opened, severity.rank, 0).astype(np.int8),
        value=icc,
        limit=np.full(at.size, limits.icc),
        past=Past(mark, tuple(kept for _, kept in summed), (starts[0][1], starts[1][1]), flags),
        facts={"icc": icc, "low": low},
    )


def _icc(ratio: Floats, size: Floats) -> Floats:
    gain = np.clip(ratio - 1.0, 0.0, 1e100)
    result: Floats = np.zeros(gain.size)
    np.divide(gain, gain + size, out=result, where=size > 0)
    return result


def _reaches_the_update(info: RunInfo) -> bool:
    """Whether the prompts' spread takes part in the advantages."""
    return info.algorithm is Algorithm.PPO or (info.algorithm is Algorithm.GRPO and info.config.get("scale_rewards") == "batch")


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    icc, low = episode.facts.get("icc", math.nan), episode.facts.get("low", math.nan)
    subtracted = "Replies to a prompt are compared with each other, which takes the prompt's part out of the update."
    reaches = _reaches_the_update(info)
    normalise: tuple[Advice, ...] = ()
    if reaches and info.algorithm is Algorithm.GRPO:
        normalise = (set_to(info, "scale_rewards", "Scale by the spread within prompts", "group", current="batch"),)
    elif reaches:
        normalise = (Advice(text="Subtract a baseline for each prompt, or bring the prompts' rewards to one scale."),)
    return Telling(
        summary=f"At step {episode.detected_step} the prompt accounts for {percent(icc)} of the reward's variance (at least "
        f"{percent(low)}, limit {percent(context.limits.icc)}), the reply for the rest.",
        cause="The policy chooses replies, not prompts: "
        + ("most of what moves the advantages is out of its reach." if reaches else f"{subtracted[0].lower()}{subtracted[1:]}"),
        advice=(*normalise, Advice(text="Judge progress on the same prompts again, such as an evaluation set.")),
    )


RULE = RowRule(
    family=Family.REWARD,
    reads=(BETWEEN,),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    needs=Need.SAMPLES,
    window=lambda limits: limits.batches,
    ceiling=Severity.WARNING,
)
