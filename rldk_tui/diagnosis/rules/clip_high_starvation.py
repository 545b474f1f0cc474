"""The upper clip keeps rare tokens from growing.

What it means
    The trust region cuts off increases of probability far more often than decreases, while the entropy falls. Rare tokens can
    lose probability freely and gain little, so exploration shrinks a little with every step.

Why it happens
    A clip range that is the same in both directions lets a rare token rise by a fifth of almost nothing. Where replies are
    used for several updates, that is the first limit a promising rare token meets.

What to do
    Widen the upper clip alone: `epsilon_high=0.28` beside `epsilon=0.2`. Nothing needs to be done while the entropy is high and
    the reward rises.

Where the limit comes from
    DAPO (arXiv 2503.14476, section 3.1, clip-higher). Catalogue: the upper clip acts on more than 1 % of the tokens and five
    times as often as the lower one in eight of ten logs, while the entropy falls significantly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.beside import RewardPast, direction_of, last_known
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Severity
from rldk_tui.metrics.metric import GROUPED
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        share: Of the tokens, cut off above.
        times: Multiples of what is cut off below.
    """

    share: float = 0.01
    times: float = 5.0
    m: int = 8
    n: int = 10


LIMITS = Limits()
_WIDE = 0.28


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept: flags, the last share below, and the entropy's direction."""

    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    below: float = math.nan
    entropy: RewardPast = field(default_factory=RewardPast)


def applies(info: RunInfo) -> str | None:
    """Trainers that log both clips, and whose upper one is not wide already."""
    if info.algorithm not in (None, *GROUPED):
        return "this trainer does not log which clip acts"
    wide = info.setting("epsilon_high")
    return None if wide is None or wide < _WIDE else f"the upper clip is wide already (epsilon_high={wide:g})"


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The upper clip against the lower one, while the entropy falls."""
    limits: Limits = context.limits
    at, above = finite_rows(rows, "clip_ratio/high_mean")
    below, last_below = last_known(rows, at, "clip_ratio/low_mean", past.below)
    direction, entropy = direction_of(rows, at, "entropy", past.entropy)
    lopsided = (above > limits.share) & (above > limits.times * below)  # False where the lower one is not known
    often, flags = m_of_n(lopsided, past.flags, *cadence.persistence(limits.m, limits.n, context.info))
    return Verdict(
        at=at,
        breach=lopsided,
        level=np.where(often & (direction == -1.0), Severity.INFO.rank, 0).astype(np.int8),
        value=above,
        limit=np.full(at.size, limits.share),
        past=Past(flags, last_below, entropy),
        facts={"below": below},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    today = info.setting("epsilon_high")
    return Telling(
        summary=f"The upper clip cut off up to {episode.peak:.1%} of the tokens (the lower one {episode.facts['below']:.1%}) "
        f"while the entropy fell, from step {episode.first_step} on.",
        cause="Rare tokens may lose probability freely but hardly gain any.",
        advice=(set_to(info, "epsilon_high", "Widen the upper clip", f"{_WIDE:g}", current=today),),
    )


RULE = RowRule(
    family=Family.POLICY,
    reads=("clip_ratio/high_mean",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.n,
    ceiling=Severity.INFO,
)
