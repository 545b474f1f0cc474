"""The KL penalty outweighs the reward.

What it means
    What a reply loses for its distance from the reference is more than replies differ in reward, and the reward does not rise.
    The optimizer is busy coming back to the reference, and learning stalls.

Why it happens
    A coefficient too large for the scale of the reward, rewards that hardly differ, or a reference that is far from the policy
    from the start, so that most of the penalty is a debt nobody asked for.

What to do
    Lower `kl_coef` (`beta` in GRPO and RLOO), or let the reference follow with `sync_ref_model=True`. If the KL is large
    because the updates are, lower `learning_rate` first. A run that is meant to stay close may ignore this.

Where the limit comes from
    TRL's training FAQ: the objective is the reward minus the coefficient times the KL. PPO: the catalogue compares the logged
    penalty with the spread of the rewards; that of a single reply is the spread of the logged means times the root of the
    batch (64 replies where it is not known). A negative KL is paid for, which is another rule's matter. RLOO: the penalty of
    a whole reply against three times `reward_std`, because what is the same in all replies cancels. GRPO scales advantages
    to 1 and adds its term to the loss a token, where its pull is the coefficient times the root of twice the KL. Ten of
    fifteen logs, and only while the reward does not rise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.beside import RewardPast, held, last_known, reward_direction
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.spread import TO_SIGMA, median_deviation
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n, rolling


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        spread: Logs over which PPO's spread of the reward is measured, and the fewest of them.
        shared: Multiples of RLOO's spread within a batch.
    """

    spread: tuple[int, int] = (50, 20)
    shared: float = 3.0
    m: int = 10
    n: int = 15


LIMITS = Limits()
_BATCH = 64.0
"""Replies of PPO's batch where the settings do not tell."""
_LEAST = 1e-6
"""A spread below this is none: another rule speaks of rewards that are all equal."""
_PARAMETER = {Algorithm.PPO: "kl_coef", Algorithm.GRPO: "beta", Algorithm.RLOO: "beta"}


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept: flags, the reward's values, spread and direction, and the last words of other metrics."""

    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    rewards: Floats = field(default_factory=lambda: NOTHING_YET)
    spread: float = math.nan
    other: float = math.nan
    length: float = math.nan
    reward: RewardPast = field(default_factory=RewardPast)


def applies(info: RunInfo) -> str | None:
    """Trainers that subtract a penalty from the reward or add it to the loss."""
    parameter = None if info.algorithm is None else _PARAMETER.get(info.algorithm)
    if parameter is None:
        return "this trainer has no KL penalty on sampled replies, or it is not known which trainer this is"
    return f"{parameter} is 0: there is no penalty" if info.setting(parameter) == 0.0 else None


def _replies(info: RunInfo) -> float:
    """Replies in one of PPO's batches."""
    parts = [info.setting(name) for name in ("per_device_train_batch_size", "gradient_accumulation_steps", "num_mini_batches")]
    return _BATCH if parts[0] is None else max(1.0, info.world_size * math.prod(part or 1.0 for part in parts))


def _of_ppo(rows: Rows, at: NDArray[np.intp], past: Past, context: Context) -> tuple[Floats, Past]:
    """The penalty in spreads of the reward of one reply."""
    limits: Limits = context.limits
    where, rewards = finite_rows(rows, "reward")
    spread, kept = rolling(rewards, past.rewards, *limits.spread, median_deviation)
    known, latest = held(where, spread, at, past.spread)
    penalty, other = last_known(rows, at, "kl_penalty", past.other)
    usual = np.maximum(TO_SIGMA * known * math.sqrt(_replies(context.info)), _LEAST)
    return np.maximum(-penalty, 0.0) / usual, Past(past.flags, kept, latest, other)


def _of_groups(rows: Rows, at: NDArray[np.intp], kl: Floats, past: Past, context: Context) -> tuple[Floats, Past]:
    """The pull of the penalty in what the rewards of a batch differ in."""
    limits: Limits = context.limits
    info = context.info
    beta = info.setting("beta")
    spread, other = last_known(rows, at, "reward_std", past.other)
    lengths, length = last_known(rows, at, "completions/mean_length", past.length)
    differ = np.where(spread > _LEAST, spread, np.nan)
    kept = Past(past.flags, past.rewards, past.spread, other, length)
    if beta is None:
        return np.full(at.size, np.nan), kept
    if info.algorithm is Algorithm.RLOO:
        return np.maximum(beta * kl * lengths, 0.0) / (limits.shared * differ), kept
    unscaled = info.config.get("scale_rewards") in (False, "none")
    return beta * np.sqrt(2.0 * np.abs(kl)) / (differ if unscaled else np.where(np.isnan(differ), np.nan, 1.0)), kept


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The penalty against what it competes with, while the reward does not rise."""
    limits: Limits = context.limits
    at, kl = finite_rows(rows, "kl")
    if context.info.algorithm is Algorithm.PPO:
        ratio, kept = _of_ppo(rows, at, past, context)
    else:
        ratio, kept = _of_groups(rows, at, kl, past, context)
    direction, reward = reward_direction(rows, at, past.reward)
    often, flags = m_of_n(ratio > 1.0, past.flags, *cadence.persistence(limits.m, limits.n, context.info))
    return Verdict(
        at=at,
        breach=ratio > 1.0,
        level=np.where(often & (direction <= 0.0), Severity.WARNING.rank, 0).astype(np.int8),
        value=ratio,
        limit=np.ones(at.size),
        past=Past(flags, kept.rewards, kept.spread, kept.other, kept.length, reward),
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    parameter = _PARAMETER[info.algorithm or Algorithm.PPO]
    today = info.setting(parameter)
    return Telling(
        summary=f"The KL penalty was up to {episode.peak:.2g} times what replies differ in reward, at step "
        f"{episode.peak_step}, and the reward does not rise.",
        cause="The updates pull the policy back to the reference rather than towards the reward.",
        advice=(
            set_to(
                info, parameter, "Weaken the pull to the reference", f"{today / 3:.1g}" if today else "a third", current=today
            ),
            Advice(text="If the KL was far above 0 in the first log, mend the reference model first."),
        ),
    )


RULE = RowRule(
    family=Family.KL,
    reads=("kl",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.n,
    ceiling=Severity.WARNING,
    explained_by=(
        "kl-nonzero-at-start",
        "kl-too-high",
        "entropy-collapse",
        "dead-policy",
        "lr-out-of-band",
        "update-too-large",
    ),
)
