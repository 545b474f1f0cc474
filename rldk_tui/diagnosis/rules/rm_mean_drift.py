"""The reward model's scores drift away from zero.

What it means
    The mean score lies far from zero compared with how far the scores of a batch lie apart. The training loss looks at
    differences alone, so it does not mind; whoever uses the scores may. PPO without reward normalisation must first teach its
    value function the offset, penalties of fixed size become too small or too large beside it, and half-precision scores lose
    their differences in rounding. GRPO and RLOO subtract the mean themselves. It is for information at first, a warning where
    the offset is twice the whole range.

Why it happens
    Nothing in the loss holds the offset: it wanders with the bias of the score head, and the faster the larger the
    learning rate.

What to do
    Set `center_rewards_coefficient=0.01`, or subtract the mean score of the starting model's replies, and divide by their
    spread, before a policy is trained on the scores.

Where the limit comes from
    Catalogue: a mean beyond twice a quarter of the range, which stands for two standard deviations, in 10 of 15 logs; TRL
    documents `center_rewards_coefficient` (arXiv 2312.09244). As the loss is blind to the offset, it is common in good
    reward models, so it is a warning only beyond twice the range, where bfloat16 with its 8 bits tells apart no more than
    128 scores. An offset below 1 is never told.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.beside import last_known
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import graded
from rldk_tui.diagnosis.pairs import score_range
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.diagnosis.warm_up import warmed_up
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n

MEAN = "reward"
"""The catalogue's name for the trainer's `mean_reward`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Offsets as shares of the range of scores.

    Attributes:
        told: From which it is told, `warning` from which it is a warning.
        least: An offset below this is none.
    """

    told: float = 0.5
    warning: float = 2.0
    least: float = 1.0
    m: int = 10
    n: int = 15


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept; `seen` counts the logs."""

    seen: int = 0
    mean: float = math.nan
    flags: tuple[Floats, Floats] = field(default_factory=lambda: (NOTHING_YET, NOTHING_YET))


def applies(info: RunInfo) -> str | None:
    """Reward models."""
    return None if info.algorithm is Algorithm.REWARD else "this trainer does not train a reward model"


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The mean score beside the range of a batch."""
    limits: Limits = context.limits
    info = context.info
    at, spans = score_range(rows)
    means, last = last_known(rows, at, MEAN, past.mean)
    offset = np.abs(means)
    m, n = cadence.persistence(limits.m, limits.n, info)
    beyond = [(offset > limits.least) & (offset > share * spans) for share in (limits.told, limits.warning)]
    told, told_flags = m_of_n(beyond[0], past.flags[0], m, n)
    warned, warned_flags = m_of_n(beyond[1], past.flags[1], m, n)
    ready = warmed_up(rows.steps[at], past.seen + 1 + np.arange(at.size), n, info)
    level = graded([ready & warned, ready & told], [Severity.WARNING.rank, Severity.INFO.rank])
    return Verdict(
        at=at,
        breach=beyond[0],
        level=level,
        value=offset,
        limit=np.maximum(limits.least, limits.told * spans),
        past=Past(past.seen + at.size, last, (told_flags, warned_flags)),
        facts={"mean": means, "span": spans},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    today = info.setting("center_rewards_coefficient")
    normalise = Advice(text="Subtract the mean score of the starting model's replies before a policy is trained on the scores.")
    center = set_to(info, "center_rewards_coefficient", "Hold the mean at zero", "0.01", current=today)
    return Telling(
        summary=f"The mean score was {episode.facts['mean']:.3g} at step {episode.detected_step}, while the scores of a batch "
        f"lay no more than {episode.facts['span']:.3g} apart.",
        cause="The loss looks at differences of scores alone, so nothing holds their offset.",
        advice=(center, normalise) if not today else (normalise,),
    )


RULE = RowRule(
    family=Family.REWARD_MODEL,
    reads=(MEAN,),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.n,
    ceiling=Severity.WARNING,
)
