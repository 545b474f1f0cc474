"""The same answer to everything.

What it means
    Replies to one prompt are copies of each other, or replies to different prompts share most of their wording, or the
    stock of word pairs has shrunk to a fraction of what it was. Comparing copies teaches nothing, and a policy that has lost
    its other answers does not find them again by itself.

Why it happens
    The entropy is spent: a learning rate too high, one phrase that the reward likes whatever was asked, no KL term to hold
    against it, or sampling narrowed by `top_k`, `top_p` or a low temperature.

What to do
    As for a collapse of the entropy: go back to a checkpoint from before, lower `learning_rate`, set `beta` above 0, sample
    at `temperature=1.0` without `top_k`. Read the replies: the phrase they share tells what the reward pays for.

Where the limit comes from
    Catalogue: fewer than a quarter of a prompt's further replies differ, and half as many as at the start, in 5 of 10
    batches, is a warning. High: the mean Jaccard likeness of 3-grams between prompts above 0.6 (and 0.3 above the start),
    or half the distinct pairs of words (distinct-2, Li et al., arXiv 1510.03055) of the start; as these become
    rarer by themselves in longer text (Heaps' law), the half is divided by the root of the growth in length. TRL issue 204
    is such a run. It stands as a warning unless another family of findings supports it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis import blame, kl
from rldk_tui.diagnosis.batches import MOST, Start, beside, new_batches
from rldk_tui.diagnosis.levels import graded
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n

COUNT, UNIQUE, LIKENESS, PAIRS, LENGTH = (
    "samples/count",
    "samples/unique_in_group",
    "samples/similarity_across_prompts",
    "samples/distinct_2",
    "samples/length_mean",
)
_NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Limits:
    """How alike replies may be; see the manual for the source.

    Attributes:
        unique: Of a prompt's further replies, and `of_start` of what it was.
        likeness: Between replies to different prompts, and `above_start` more than it was.
        pairs: Distinct pairs of words, of what they were.
        start: Batches that tell what was.
        m: Batches out of `n`.
    """

    unique: float = 0.25
    of_start: float = 0.5
    likeness: float = 0.6
    above_start: float = 0.3
    pairs: float = 0.5
    start: int = 5
    m: int = 5
    n: int = 10


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept: the starts and flags of the three measures, the start of the length, and the learning rates."""

    mark: float = math.nan
    starts: tuple[Start, Start, Start, Start] = (Start(), Start(), Start(), Start())
    flags: tuple[Floats, Floats, Floats] = (NOTHING_YET, NOTHING_YET, NOTHING_YET)
    rate: blame.RatePast = field(default_factory=blame.RatePast)


def _measured(values: Floats, start: Start, size: int) -> tuple[Floats, Start]:
    """The start of a measure that cannot be taken of every batch, at each batch."""
    known = np.flatnonzero(~np.isnan(values))
    told, kept = start.grown(values[known], size)
    before = start.sum / size if start.seen >= size else math.nan
    place = np.searchsorted(known, np.arange(values.size), side="right")
    return np.concatenate(([before], told))[place], kept


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The three measures of each batch against their limits and against what they were at the start."""
    limits: Limits = context.limits
    at, _, mark = new_batches(rows, COUNT, past.mark)
    values = [np.maximum(beside(rows, at, name, MOST), 0.0) for name in (UNIQUE, LIKENESS, PAIRS, LENGTH)]
    told = [_measured(series, start, limits.start) for series, start in zip(values, past.starts, strict=True)]
    (unique, likeness, pairs, length), (unique_0, likeness_0, pairs_0, length_0) = values, [start for start, _ in told]
    longer = np.ones(at.size)
    np.divide(length, length_0, out=longer, where=(length_0 > _NOTHING) & (length > length_0))
    share = np.full(at.size, np.nan)
    np.divide(pairs * np.sqrt(longer), pairs_0, out=share, where=pairs_0 > _NOTHING)
    breaches = (
        (unique < limits.unique) & (unique < limits.of_start * unique_0),
        (likeness > limits.likeness) & (likeness > likeness_0 + limits.above_start),
        share < limits.pairs,
    )
    held = [m_of_n(flags, before, limits.m, limits.n) for flags, before in zip(breaches, past.flags, strict=True)]
    copies, alike, poor = (flags for flags, _ in held)
    facts, rate = blame.learning_rates(rows, at, past.rate)
    return Verdict(
        at=at,
        breach=breaches[0] | breaches[1] | breaches[2],
        level=graded([alike | poor, copies], [Severity.HIGH.rank, Severity.WARNING.rank]),
        value=pairs,
        limit=limits.pairs * pairs_0 / np.sqrt(longer),
        past=Past(
            mark,
            (told[0][1], told[1][1], told[2][1], told[3][1]),
            (held[0][1], held[1][1], held[2][1]),
            rate,
        ),
        facts={
            **facts,
            "unique": np.where(copies, unique, np.nan),
            "likeness": np.where(alike, likeness, np.nan),
            "pairs": np.where(poor, share, np.nan),
        },
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    limits: Limits = context.limits
    facts = episode.facts
    if "likeness" in facts:
        shared, limit = percent(facts["likeness"]), percent(limits.likeness)
        what = f"replies to different prompts shared {shared} of their wording (limit {limit})"
    elif "unique" in facts:
        what = f"only {percent(facts['unique'])} of a prompt's further replies differed (limit {percent(limits.unique)})"
    else:
        what = (
            f"replies had {percent(facts.get('pairs', 0.0))} of the word pairs they began with (limit {percent(limits.pairs)})"
        )
    return Telling(
        summary=f"At step {episode.detected_step} {what}.",
        cause=blame.cause(episode, info) or _narrow(info) or "The policy has settled on one way to answer.",
        advice=(
            Advice(text=f"Go back to the last checkpoint before step {episode.first_step}."),
            Advice(text="Read a dozen replies: what they share tells what the reward pays for."),
            kl.raise_penalty(info),
            blame.lower_learning_rate(episode, info, guessed=True),
        ),
    )


def _narrow(info: RunInfo) -> str | None:
    """Whether sampling itself narrows the replies."""
    temperature, top_k = info.setting("temperature"), info.setting("top_k")
    if temperature is not None and 0 < temperature < 0.7:
        return f"Replies are sampled at temperature {temperature:g}, which makes them alike."
    if top_k is not None and 0 < top_k <= 20:
        return f"Replies are sampled from the {top_k:g} likeliest tokens only, which makes them alike."
    return None


RULE = RowRule(
    family=Family.TEXT,
    reads=(PAIRS, UNIQUE, LIKENESS),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    needs=Need.SAMPLES,
    window=lambda limits: limits.n,
    worst=np.argmin,
    ceiling=Severity.HIGH,
    adaptive=True,
    explained_by=(
        "proxy-gold-divergence",
        "entropy-collapse",
        "lr-out-of-band",
        "lr-jump",
        "kl-too-high",
        "kl-control-lost",
        "update-too-large",
    ),
)
