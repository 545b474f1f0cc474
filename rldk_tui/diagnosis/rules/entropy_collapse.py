"""The policy's entropy is spent: it has become deterministic.

What it means
    Nearly all probability lies on one token at every position. The policy samples the same reply again and again, so there
    is nothing left to compare and nothing left to learn. Reward, KL and gradients then look perfectly calm, and the reward
    may even be at its maximum: a collapsed policy is flat, not noisy. It is a warning by itself, high when groups give no
    signal or the reward no longer rises, and critical when the entropy is all but zero.

Why it happens
    A learning rate too high for the method, a reward that one phrase satisfies, no KL or entropy term to hold against it,
    or sampling at a low temperature (which also scales the logged entropy down). Falling entropy as such is the price of
    learning: healthy runs lose three quarters of it early on.

What to do
    Go back to the last checkpoint before the collapse: a policy without entropy does not recover by itself. Then lower
    `learning_rate`, set `beta` above 0, and keep exploration open with `epsilon_high=0.28`, an entropy bonus, or a higher
    `temperature`.

Where the limit comes from
    Catalogue: the median of five logs below 0.05 nat/token in three of five logs, critical below 0.01. Cui et al. (arXiv
    2505.22617) describe how reward is bought with entropy, and that 73 % of it goes in the first 200 steps of healthy runs,
    hence a level and never a relative fall. DAPO (arXiv 2503.14476) introduces `epsilon_high` against it. A real GRPO run
    with a learning rate a thousand times too high went from 3.84 to 0.00 in ten steps.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis import blame, cadence, kl
from rldk_tui.diagnosis.beside import RewardPast, SmoothPast, of_grouped_trainer, reward_direction, smoothed
from rldk_tui.diagnosis.levels import finite_rows, graded
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.metrics.metric import GROUPED
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n, rolling_median


@dataclass(frozen=True, slots=True)
class Limits:
    """Entropy in nat/token; see the manual for the source.

    Attributes:
        without_signal: The share of groups without any difference in reward that corroborates a collapse.
        at_least: Logs before anything is said.
    """

    low: float = 0.05
    critical: float = 0.01
    median: int = 5
    m: int = 3
    n: int = 5
    at_least: int = 8
    without_signal: float = 0.5


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept; `seen` counts the logs."""

    seen: int = 0
    values: Floats = field(default_factory=lambda: NOTHING_YET)
    flags: tuple[Floats, Floats] = (NOTHING_YET, NOTHING_YET)
    groups: SmoothPast = field(default_factory=SmoothPast)
    reward: RewardPast = field(default_factory=RewardPast)
    rate: blame.RatePast = field(default_factory=blame.RatePast)


def applies(info: RunInfo) -> str | None:
    """Trainers that explore by sampling."""
    exploring = info.algorithm in (None, Algorithm.PPO, *GROUPED)
    return None if exploring else "this trainer does not explore, so a low entropy is no loss to it"


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The median entropy against two floors, and what groups and reward say about it."""
    limits: Limits = context.limits
    info = context.info
    at, entropy = finite_rows(rows, "entropy")
    if info.algorithm is None:
        known = of_grouped_trainer(rows, at, info)
        at, entropy = at[known], entropy[known]
    size, enough = cadence.window(limits.median, info), cadence.window(limits.at_least, info)
    m, n = cadence.persistence(limits.m, limits.n, info)
    smooth, kept = rolling_median(entropy, past.values, size, size)
    ready = past.seen + 1 + np.arange(entropy.size) >= enough
    low, low_flags = m_of_n(smooth < limits.low, past.flags[0], m, n)
    spent, spent_flags = m_of_n(smooth < limits.critical, past.flags[1], m, n)
    groups, groups_past = smoothed(rows, at, "frac_reward_zero_std", size, past.groups)
    direction, reward = reward_direction(rows, at, past.reward)
    grave = low & ((groups > limits.without_signal) | (direction <= 0.0))
    level = graded(
        [ready & spent, ready & grave, ready & low], [Severity.CRITICAL.rank, Severity.HIGH.rank, Severity.WARNING.rank]
    )
    facts, rate = blame.learning_rates(rows, at, past.rate)
    return Verdict(
        at=at,
        breach=entropy < limits.low,
        level=level,
        value=smooth,
        limit=np.full(at.size, limits.low),
        past=Past(past.seen + at.size, kept, (low_flags, spent_flags), groups_past, reward, rate),
        facts={**facts, "groups": groups, "reward": direction},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    limits: Limits = context.limits
    return Telling(
        summary=f"Entropy fell to {episode.peak:.3g} nat/token by step {episode.peak_step} "
        f"(median of {cadence.window(limits.median, info)} logs, limit {limits.low:g}).",
        cause=blame.cause(episode, info) or _without_rate(episode, info, limits),
        advice=(
            Advice(text=f"Go back to the last checkpoint before step {episode.first_step}."),
            blame.lower_learning_rate(episode, info),
            kl.raise_penalty(info),
            *_exploration(info),
        ),
    )


def _without_rate(episode: Episode, info: RunInfo, limits: Limits) -> str:
    """The cause where the learning rate is not to blame."""
    temperature = info.setting("temperature")
    if temperature is not None and 0 < temperature < 1:
        return f"Replies are sampled at temperature {temperature:g}, which narrows them and scales the logged entropy down."
    if episode.facts.get("groups", 0.0) > limits.without_signal:
        return "The policy repeats one reply to each prompt: most groups show no difference in reward any more."
    return "The policy has settled on few replies; nothing in the objective kept it exploring."


def _exploration(info: RunInfo) -> tuple[Advice, ...]:
    """What keeps exploration open; only GRPO has an upper clip of its own."""
    if info.algorithm is not Algorithm.GRPO:
        return ()
    today = info.setting("epsilon_high")
    text = "Let rare tokens grow (DAPO's clip-higher)"
    return (blame.set_to(info, "epsilon_high", text, "0.28", current=today),) if today != 0.28 else ()


RULE = RowRule(
    family=Family.ENTROPY,
    reads=("entropy",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.median + limits.n - 1,
    worst=np.argmin,
    explained_by=(
        "lr-jump",
        "lr-out-of-band",
        "update-too-large",
        "ppo-ratio-extreme",
        "generation-config-risk",
        "kl-control-lost",
    ),
)
