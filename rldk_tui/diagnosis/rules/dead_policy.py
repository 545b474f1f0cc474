"""The policy is dead: every update is calm because nothing can change any more.

What it means
    The updates no longer move the policy at all and nothing is ever clipped, which looks like perfect stability. But the
    entropy is spent or all rewards are equal: the policy gives one reply with certainty, and no reward can reach another.

Why it happens
    An earlier collapse, most often from updates far too large in the first steps. What is left has no gradient: the
    probability of the one reply is 1, and every advantage is 0.

What to do
    Stop: no later step will bring it back. Start again from a checkpoint before the collapse, with a lower `learning_rate`,
    fewer `num_ppo_epochs` and a stronger pull to the reference.

Where the limit comes from
    Catalogue: an update of less than 1e-6 and nothing clipped in eight logs of eight, with an entropy below 0.05 nat or a
    reward without any spread. A real PPO run (TRL) with a learning rate too high logged a calm like this for its last forty
    steps. At the end of a schedule updates vanish as well, so the learning rate must be above 5 % of its height.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis import kl
from rldk_tui.diagnosis.beside import last_known
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.diagnosis.trust_region import of_ppo
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        still: An update below this moves nothing.
        spent: Entropy in nat/token below which nothing is left to explore.
        same: A spread of rewards below this is none.
        n: Logs in a row.
        tail: Share of the highest learning rate below which an update is small by the schedule.
    """

    still: float = 1e-6
    spent: float = 0.05
    same: float = 1e-6
    n: int = 8
    tail: float = 0.05


LIMITS = Limits()
_BESIDE = ("clip_fraction", "entropy", "reward_std", "learning_rate")


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept: flags, the last words of `_BESIDE`, and the highest learning rate."""

    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    beside: tuple[float, ...] = (math.nan,) * len(_BESIDE)
    highest: float = math.nan


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """Updates of nothing, in a policy that has nothing left to say."""
    limits: Limits = context.limits
    at, moved = finite_rows(rows, "approx_kl")
    beside = [last_known(rows, at, name, before) for name, before in zip(_BESIDE, past.beside, strict=True)]
    clipped, entropy, spread, rate = (said for said, _ in beside)
    highest = np.fmax.accumulate(np.concatenate(([past.highest], rate)))
    trained = ~(rate <= limits.tail * highest[1:])
    nothing_left = (entropy < limits.spent) | (spread < limits.same)  # False where neither is known
    still = (moved < limits.still) & ~(clipped > 0.0) & nothing_left & trained
    dead, flags = m_of_n(still, past.flags, limits.n, limits.n)
    return Verdict(
        at=at,
        breach=still,
        level=np.where(dead, Severity.CRITICAL.rank, 0).astype(np.int8),
        value=moved,
        limit=np.full(at.size, limits.still),
        past=Past(flags, tuple(latest for _, latest in beside), float(highest[-1])),
        facts={"entropy": entropy},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    limits: Limits = context.limits
    spent = episode.facts.get("entropy", math.inf) < limits.spent
    why = f"its entropy is {episode.facts['entropy']:.2g} nat/token" if spent else "all rewards are equal"
    rate = info.setting("learning_rate")
    lower = f"{rate / 10:.1g}" if rate else "a tenth of today's value"
    return Telling(
        summary=f"No update moved the policy in steps {episode.first_step}–{episode.last_step} (below {limits.still:g}), "
        f"and {why}.",
        cause="The policy collapsed before this; what looks like stability is that nothing can change any more.",
        advice=(
            Advice(text=f"Start again from a checkpoint well before step {episode.first_step}; this one does not recover."),
            set_to(info, "learning_rate", "Lower the learning rate", lower, current=rate),
            kl.raise_penalty(info),
        ),
    )


RULE = RowRule(
    family=Family.POLICY,
    reads=("approx_kl",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=of_ppo,
    window=lambda limits: limits.n,
    worst=np.argmin,
    explained_by=("lr-out-of-band", "update-too-large", "entropy-collapse"),
)
