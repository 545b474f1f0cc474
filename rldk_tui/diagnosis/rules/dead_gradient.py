"""The gradient is zero: nothing is being learned.

What it means
    The optimizer steps with a gradient norm of zero, log after log, although the learning rate is not zero. Every further
    step costs compute and changes nothing.

Why it happens
    There is nothing to prefer (all rewards equal, or chosen and rejected reply the same after tokenization); every reply is
    masked out (`mask_truncated_completions` with all replies cut off); the trainable weights are not part of the loss
    (a frozen adapter, a detached graph); or the policy has collapsed to one certain reply, whose gradient is zero.

What to do
    Look at the reward spread first: if it is zero, mend the reward or the prompts. If it is not, count the trainable
    parameters: an adapter needs `is_trainable=True` when it is loaded. With preference pairs, print one pair after
    tokenization and truncation.

Where the limit comes from
    Catalogue: below 1e-8 in eight of eight logs with a learning rate above zero; single zeros are normal where a log speaks
    of one group. A log of many steps holds the norm of its last step alone, so it takes as many of those. SageMaker
    Debugger's VanishingGradient calls 1e-7 vanished. TRL issues 1778 and 4023; two public runs logged 0.0 for all of their
    50 and 100 steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis.beside import last_known
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        zero: A gradient norm below this is none.
        n: Logs in a row.
        cut: Share of cut replies from which, with those masked out, nothing is left to learn from (catalogue,
            all-completions-masked).
        same: A margin or a spread of rewards below this is none.
        spent: Entropy in nat/token below which the policy has collapsed (catalogue, entropy-collapse).
    """

    zero: float = 1e-8
    n: int = 8
    cut: float = 0.9
    same: float = 1e-6
    spent: float = 0.05


LIMITS = Limits()
_BESIDE = ("reward_std", "rewards/margins", "completions/clipped_ratio", "entropy", "frac_reward_zero_std")


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept; `beside` are the last words of the metrics that tell the cause."""

    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    rate: float = math.nan
    beside: tuple[float, ...] = (math.nan,) * len(_BESIDE)


def applies(info: RunInfo) -> str | None:
    """PPO logs no gradient norm."""
    return "TRL's PPO logs no gradient norm" if info.algorithm is Algorithm.PPO else None


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """A norm of zero throughout the last logs in which the learning rate was not zero."""
    limits: Limits = context.limits
    at, norm = finite_rows(rows, "grad_norm")
    rates, rate = last_known(rows, at, "learning_rate", past.rate)
    learning = ~(rates == 0.0)
    at, norm = at[learning], norm[learning]
    dead, flags = m_of_n(norm < limits.zero, past.flags, limits.n, limits.n)
    beside = [last_known(rows, at, name, before) for name, before in zip(_BESIDE, past.beside, strict=True)]
    return Verdict(
        at=at,
        breach=norm < limits.zero,
        level=np.where(dead, Severity.CRITICAL.rank, 0).astype(np.int8),
        value=norm,
        limit=np.full(at.size, limits.zero),
        past=Past(flags, rate, tuple(latest for _, latest in beside)),
        facts={name: said for name, (said, _) in zip(_BESIDE, beside, strict=True)},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    limits: Limits = context.limits
    cause, advice = _cause(episode, info, limits)
    return Telling(
        summary=f"The gradient norm was zero (below {limits.zero:g}) for {limits.n} logs in a row or "
        f"longer, steps {episode.first_step}–{episode.last_step}.",
        cause=cause,
        advice=(advice,),
    )


def _cause(episode: Episode, info: RunInfo, limits: Limits) -> tuple[str, Advice]:
    """What the other metrics of the same log tell of the cause."""
    facts = episode.facts
    spread, margin, alike, cut, entropy = (
        facts.get(name, math.nan)
        for name in ("reward_std", "rewards/margins", "frac_reward_zero_std", "completions/clipped_ratio", "entropy")
    )  # what was not logged is NaN, and no comparison holds for it
    if info.config.get("mask_truncated_completions") is True and cut >= limits.cut:
        return "All replies were cut off, and cut replies are masked out of the loss.", Advice(
            text="Let cut replies count, or raise max_completion_length",
            parameter="mask_truncated_completions",
            current=True,
            proposed="False",
        )
    if abs(spread) < limits.same or alike > limits.cut:
        return "All rewards were equal, so every advantage was zero.", Advice(
            text="Score two very different replies by hand: if they score the same, mend the reward function."
        )
    if abs(margin) < limits.same:
        return "The margin is zero: chosen and rejected reply are the same to the model, or the weights are frozen.", Advice(
            text="Print one pair after tokenization and truncation, and count the trainable parameters."
        )
    if entropy < limits.spent:
        return "The policy is certain of every token: its entropy is spent, and with it the gradient.", Advice(
            text=f"Go back to the last checkpoint before step {episode.first_step}."
        )
    count = Advice(text="Count the trainable parameters; load an adapter with is_trainable=True.")
    differing = "Rewards" if abs(spread) >= limits.same else "Margins" if abs(margin) >= limits.same else None
    if differing is None:
        return (
            "Nothing that was logged tells why. Either the trainable weights are not part of the loss, or every token is "
            "masked out of it."
        ), Advice(text=f"{count.text} Then print one batch's labels: some must not be -100.")
    return f"{differing} differ, so there is something to learn: the trainable weights are not part of the loss.", count


RULE = RowRule(
    family=Family.GRADIENT,
    reads=("grad_norm",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.n,
    worst=np.argmin,
    explained_by=(
        "nothing-trainable",
        "reward-unscorable",
        "zero-variance-groups",
        "all-completions-masked",
        "entropy-collapse",
        "dpo-overfit",
        "rm-overfit",
    ),
)
