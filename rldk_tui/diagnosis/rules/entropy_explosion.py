"""The policy drifts towards noise: its entropy exploded.

What it means
    The policy spreads its probability over far more tokens than when training began, and the reward does not rise for it. What
    it samples turns into gibberish, step by step; such runs end in a collapse of the reward.

Why it happens
    Updates too large for the model, an entropy bonus that outweighs the reward, or negative advantages that only push
    probability away from what was sampled and nowhere in particular. Replies that are cut off add noise of the same kind.

What to do
    Read the newest completions. Go back to the last checkpoint before the rise, lower `learning_rate` or the entropy bonus
    (`entropy_coef`), and leave cut replies out of the loss (`mask_truncated_completions=True`).

Where the limit comes from
    Catalogue: above one and a half times the median of the first ten logs and half a nat above it, in five of eight logs.
    Stability notes on GRPO see abnormal entropy before a collapse. A model that begins near the logarithm of its vocabulary
    cannot get there, and a rise that the reward pays for is exploration (DAPO, arXiv 2503.14476): a remark. It is high when
    what the reward had gained is lost, or beyond 8 nat, which is noise in any vocabulary up to some ten thousand tokens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis import blame, cadence
from rldk_tui.diagnosis.beside import RewardPast, of_grouped_trainer, reward_direction
from rldk_tui.diagnosis.levels import finite_rows, graded
from rldk_tui.diagnosis.reward_gain import GainPast, gain_held
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.metrics.metric import GROUPED
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source; entropy in nat/token.

    Attributes:
        times: Multiples of the entropy at the beginning.
        above: And so much above it.
        first: Logs whose median is the beginning.
        noise: Beyond this a policy is noise.
    """

    times: float = 1.5
    above: float = 0.5
    first: int = 10
    noise: float = 8.0
    m: int = 5
    n: int = 8


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept: the first values and their median, once there are enough, the flags, and what the reward says."""

    first: Floats = field(default_factory=lambda: NOTHING_YET)
    start: float = math.nan
    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    reward: RewardPast = field(default_factory=RewardPast)
    gain: GainPast = field(default_factory=GainPast)
    rate: blame.RatePast = field(default_factory=blame.RatePast)


def applies(info: RunInfo) -> str | None:
    """Trainers that explore by sampling."""
    exploring = info.algorithm in (None, Algorithm.PPO, *GROUPED)
    return None if exploring else "this trainer does not explore, and its entropy is that of the data"


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The entropy against what it was at the beginning."""
    limits: Limits = context.limits
    info = context.info
    at, entropy = finite_rows(rows, "entropy")
    if info.algorithm is None:
        known = of_grouped_trainer(rows, at, info)
        at, entropy = at[known], entropy[known]
    few = cadence.window(limits.first, info)
    first, start = past.first, past.start
    begun = first.size + np.arange(at.size) >= few
    if first.size < few:
        first = np.concatenate((first, entropy[: few - first.size]))
        start = float(np.median(first)) if first.size == few else math.nan
    limit = np.where(begun, max(limits.times * start, start + limits.above), np.nan)
    above = entropy > limit  # False while the beginning is not known
    exploded, flags = m_of_n(above, past.flags, *cadence.persistence(limits.m, limits.n, info))
    direction, reward = reward_direction(rows, at, past.reward)
    gain, gain_past = gain_held(rows, at, past.gain, context.info)
    paid = (direction == 1.0) | (gain == 1.0)
    lost = (direction == -1.0) & (gain == 0.0)
    level = graded(
        [exploded & (entropy > limits.noise), exploded & lost, exploded & ~paid, exploded],
        [Severity.HIGH.rank, Severity.HIGH.rank, Severity.WARNING.rank, Severity.INFO.rank],
    )
    facts, rate = blame.learning_rates(rows, at, past.rate)
    return Verdict(
        at=at,
        breach=above,
        level=level,
        value=entropy,
        limit=limit,
        past=Past(first, start, flags, reward, gain_past, rate),
        facts={**facts, "start": np.full(at.size, start)},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    bonus = info.setting("entropy_coef")
    less = (blame.set_to(info, "entropy_coef", "Lower the entropy bonus", f"{bonus / 3:.1g}", current=bonus),) if bonus else ()
    return Telling(
        summary=f"Entropy rose to {episode.peak:.3g} nat/token at step {episode.peak_step}; it was "
        f"{episode.facts['start']:.3g} at the beginning (limit {episode.limit:.3g}).",
        cause=blame.cause(episode, info)
        or (
            "The entropy bonus outweighs the reward."
            if bonus
            else "The updates push probability away and nowhere in particular."
        ),
        advice=(
            *less,
            blame.lower_learning_rate(episode, info, guessed=True),
            Advice(text=f"Go back to the last checkpoint before step {episode.first_step} if the completions are gibberish."),
        ),
    )


RULE = RowRule(
    family=Family.ENTROPY,
    reads=("entropy",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.n,
    ceiling=Severity.HIGH,
    adaptive=True,
    explained_by=("lr-jump", "lr-out-of-band", "update-too-large"),
)
