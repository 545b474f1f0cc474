"""More distance from the reference buys no more reward: it costs some.

What it means
    The policy keeps moving away from the reference while the reward falls. Each further step optimizes what the reward gets
    wrong rather than what it was trained for; true quality usually fell some time before.

Why it happens
    A learned reward is only good near the replies it was trained on. The further the policy goes, the more of its score comes
    from the model's errors, up to the point where even the score turns.

What to do
    Stop at the best checkpoint, judged by an independent reward or by reading. For the next run take a larger reward model, an
    ensemble, or more comparisons of the policy's own replies. A larger `beta` only ends the run earlier.

Where the limit comes from
    Gao et al. (arXiv 2210.10760): the true reward rises with d, the root of the KL, and falls beyond a point; Bai et al. (arXiv
    2204.05862) find it proportional to d before that. Catalogue: over the last hundred logs d rose significantly and by more
    than 20 %, and the reward fell significantly (Mann–Kendall, p = 0.001, corrected for autocorrelation). A reward that merely
    stays flat is at its height and no evidence. Below 0.1 nat/token (2 nat a reply in PPO) nothing is far.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis import kl
from rldk_tui.diagnosis.beside import RewardPast, reward_direction
from rldk_tui.diagnosis.kl_hold import GrowthPast, growth
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Rows


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        grew: What d, the root of the KL, is now, as a multiple of what it was `ago` logs before.
        median: Logs a level is the median of.
        token: KL below this is not far, nat/token.
        sequence: The same in nat/sequence.
    """

    grew: float = 1.2
    ago: int = 90
    median: int = 10
    token: float = 0.1
    sequence: float = 2.0


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept: the growth of the KL and the direction of the reward."""

    growth: GrowthPast = field(default_factory=GrowthPast)
    reward: RewardPast = field(default_factory=RewardPast)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """A KL that rises and a reward that falls."""
    limits: Limits = context.limits
    at, _ = kl.kl_rows(rows, context)
    now, before, grown = growth(rows, at, limits.median, limits.ago, past.growth)
    direction, reward = reward_direction(rows, at, past.reward)
    far = limits.sequence if context.info.algorithm is Algorithm.PPO else limits.token
    limit = limits.grew**2 * before
    beyond = (now > limit) & (now > far) & (direction == -1.0)  # False while the level of then is not known
    return Verdict(
        at=at,
        breach=beyond,
        level=np.where(beyond, Severity.WARNING.rank, 0).astype(np.int8),
        value=now,
        limit=limit,
        past=Past(grown, reward),
        facts={"before": before},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    unit = kl.unit(context.info)
    return Telling(
        summary=f"KL to the reference rose from {episode.facts['before']:.2g} to {episode.peak:.2g} {unit} by step "
        f"{episode.peak_step}, and the reward fell meanwhile.",
        cause="The policy has passed the point up to which this reward can be optimized.",
        advice=(
            Advice(text=f"Go back to the checkpoint with the best reward before step {episode.first_step}, and stop there."),
            Advice(text="Judge both checkpoints by an independent reward, or read twenty replies of each."),
        ),
    )


RULE = RowRule(
    family=Family.KL,
    reads=("kl",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=kl.against_reference,
    ceiling=Severity.WARNING,
    adaptive=True,
    explained_by=("kl-control-lost", "lr-out-of-band", "update-too-large"),
)
