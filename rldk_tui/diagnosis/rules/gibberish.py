"""Replies are no language any more.

What it means
    The replies hold characters that no text has (control characters, the replacement character U+FFFD of broken encoding),
    or the reference model, which knows what language looks like, finds them far less likely than before. A learned reward
    model judges such text by chance, and chance can be exploited: the reward may rise all the while.

Why it happens
    An update or a learning rate broke the policy, nothing holds it near its reference, the reward model gives high scores to
    text it was never trained on, or generation samples from a broken distribution (a wrong dtype, a corrupted weight).

What to do
    Read the named replies. Go back to the last checkpoint whose replies are text, lower `learning_rate`, set `beta` above 0,
    and give unreadable text a low reward in the reward function itself.

Where the limit comes from
    Catalogue: more than 2 % unprintable characters (a character cut in half at the length limit does not count), or a
    surprise of the reference above twice that of the first batches and 1.5 nat a token above it; each in 3 of 5 batches.
    Perplexity as a monitor is from the Secrets of RLHF (arXiv 2307.04964). With `beta=0` no reference is loaded, and then
    characters are all there is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis import blame, kl
from rldk_tui.diagnosis.batches import Start, examples, new_batches
from rldk_tui.diagnosis.beside import held
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n

CHARACTERS, SURPRISE = "samples/unprintable", "samples/ref_nll"


@dataclass(frozen=True, slots=True)
class Limits:
    """What text may look like; see the manual for the source.

    Attributes:
        unprintable: Share of the characters.
        times: Surprise of the reference against the first `start` batches, and `more` nat a token above it.
    """

    unprintable: float = 0.02
    times: float = 2.0
    more: float = 1.5
    start: int = 5
    m: int = 3
    n: int = 5


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class LegPast:
    """What is kept of one measure; `said` is its last word: in trouble, value, limit."""

    mark: float = math.nan
    start: Start = field(default_factory=Start)
    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    said: tuple[float, float, float] = (0.0, math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept of each measure, and the learning rates."""

    characters: LegPast = field(default_factory=LegPast)
    surprise: LegPast = field(default_factory=LegPast)
    rate: blame.RatePast = field(default_factory=blame.RatePast)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """Either measure beyond its limit often enough."""
    limits: Limits = context.limits
    legs = []
    for name, leg in ((CHARACTERS, past.characters), (SURPRISE, past.surprise)):
        at, values, mark = new_batches(rows, name, leg.mark)
        usual, start = leg.start.grown(values, limits.start)
        if name == CHARACTERS:
            bound = np.full(at.size, limits.unprintable)
        else:
            bound = np.maximum(limits.times * usual, usual + limits.more)
        breach = values > bound
        trouble, flags = m_of_n(breach, leg.flags, limits.m, limits.n)
        said = (float(trouble[-1]), float(values[-1]), float(bound[-1])) if at.size else leg.said
        legs.append((at, breach, (trouble.astype(np.float64), values, bound), LegPast(mark, start, flags, said)))
    at = np.union1d(legs[0][0], legs[1][0])
    heard = [
        [held(where, series, at, before)[0] for series, before in zip(told, leg.said, strict=True)]
        for (where, _, told, _), leg in zip(legs, (past.characters, past.surprise), strict=True)
    ]
    characters, surprise = heard
    by_characters = characters[0] > 0
    trouble = by_characters | (surprise[0] > 0)
    facts, rate = blame.learning_rates(rows, at, past.rate)
    breached = np.concatenate([where[breach] for where, breach, _, _ in legs])
    return Verdict(
        at=at,
        breach=np.isin(at, breached),
        level=np.where(trouble, Severity.HIGH.rank, 0).astype(np.int8),
        value=np.where(by_characters, characters[1], surprise[1]),
        limit=np.where(by_characters, characters[2], surprise[2]),
        past=Past(legs[0][3], legs[1][3], rate),
        facts={**facts, "characters": by_characters.astype(np.float64), "unprintable": characters[1], "surprise": surprise[1]},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    seen = examples(context.names(CHARACTERS, episode.first_step, episode.last_step))
    if episode.facts.get("characters"):
        summary = (
            f"At step {episode.detected_step}, {percent(episode.facts.get('unprintable', episode.peak))} of the replies' "
            f"characters were unprintable (limit {percent(episode.limit)}){seen}."
        )
    else:
        summary = (
            f"At step {episode.detected_step} the reference was surprised by the replies by "
            f"{episode.facts.get('surprise', episode.peak):.2g} nat/token (limit {episode.limit:.2g}){seen}."
        )
    return Telling(
        summary=summary,
        cause=blame.cause(episode, info) or "The policy has left the language it was trained on, and the reward does not mind.",
        advice=(
            Advice(text=f"Read the replies, and go back to the last checkpoint before step {episode.first_step}."),
            kl.raise_penalty(info),
            blame.lower_learning_rate(episode, info, guessed=True),
        ),
    )


RULE = RowRule(
    family=Family.TEXT,
    reads=(CHARACTERS, SURPRISE),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    needs=Need.SAMPLES,
    window=lambda limits: limits.n,
    ceiling=Severity.HIGH,
    explained_by=("lr-out-of-band", "lr-jump", "kl-too-high", "kl-control-lost", "update-too-large"),
)
