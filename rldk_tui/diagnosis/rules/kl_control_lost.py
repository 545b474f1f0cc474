"""The pull to the reference has stopped holding the policy.

What it means
    Until now the KL term kept the policy near the reference model; now it does not. Either the term is gone from the loss in
    the middle of the run, or the distance keeps growing to a multiple of what it was while the reward falls. Nothing stops
    the policy from leaving the region in which the reward means anything.

Why it happens
    Something set `beta` (`kl_coef` in PPO) to 0 while training: a callback, a schedule of its own, an adaptive controller that
    ran to its end. Or the coefficient is still there and too small for what the optimizer finds beyond the reference.

What to do
    Find what changes the coefficient during training and stop it. Compare the newest completions with those from before the
    first step named here; if they are worse, go on from the last checkpoint before it, with twice the coefficient.

Where the limit comes from
    TRL's GRPO and RLOO log the KL where `beta` is not 0 and never otherwise (RLOO with each new batch of replies), so five
    logs without it, where nearly every one had it, mean that the term is gone; PPO logs the penalty, whose ratio to the KL is
    the coefficient (gone: a hundredth of what it was). Growth counts from three times the level of 64 logs before, with a
    significant trend (Mann–Kendall, p = 0.001) and a reward that falls as significantly: while the reward rises, distance is
    what it costs (Gao et al., arXiv 2210.10760).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis import cadence, kl
from rldk_tui.diagnosis.beside import RewardPast, reward_direction
from rldk_tui.diagnosis.kl_hold import CoefficientPast, GrowthPast, TermPast, coefficient_gone, growth, without_term
from rldk_tui.diagnosis.levels import graded
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Rows, RunInfo


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        n: Logs in a row without the term.
        known: Logs with it there must have been before.
        always: The share of the logs until then that had it.
        gone: Share of the highest coefficient so far below which it counts as 0.
        times: Multiples of the level `ago` logs before from which growth counts.
        median: Logs a level is the median of.
        token: KL below this is no distance yet, nat/token.
        sequence: The same in nat/sequence.
    """

    n: int = 5
    known: int = 10
    always: float = 0.9
    gone: float = 0.01
    times: float = 3.0
    ago: int = 64
    median: int = 10
    token: float = 0.1
    sequence: float = 2.0


LIMITS = Limits()
_MISSING, _OFF, _GROWING = 1.0, 2.0, 3.0


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept for each of the three signs."""

    term: TermPast = field(default_factory=TermPast)
    coefficient: CoefficientPast = field(default_factory=CoefficientPast)
    growth: GrowthPast = field(default_factory=GrowthPast)
    reward: RewardPast = field(default_factory=RewardPast)


def applies(info: RunInfo) -> str | None:
    """Trainers that hold the policy by a KL term, and mean to."""
    parameter = "kl_coef" if info.algorithm is Algorithm.PPO else "beta"
    if info.setting(parameter) == 0.0:
        return f"{parameter} is 0, so nothing holds the policy from the start"
    return kl.against_reference(info)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """Whether the term is missing, its coefficient spent, or its effect lost."""
    limits: Limits = context.limits
    info = context.info
    at = np.flatnonzero(rows.column("kl").present | rows.column("loss").present)
    n = cadence.window(limits.n, info)
    lacking, term = without_term(rows, at, limits.known, limits.always, past.term)
    nothing, off, coefficient = coefficient_gone(rows, at, limits.gone, n, past.coefficient)
    now, before, grown = growth(rows, at, limits.median, limits.ago, past.growth)
    direction, reward = reward_direction(rows, at, past.reward)
    material = limits.sequence if info.algorithm is Algorithm.PPO else limits.token
    growing = (now > material) & (now > limits.times * before) & (direction == -1.0)
    missing = lacking >= n
    held_no_more = missing | off
    return Verdict(
        at=at,
        breach=(lacking > 0) | nothing | growing,
        level=graded([held_no_more, growing], [Severity.HIGH.rank, Severity.WARNING.rank]),
        value=np.where(held_no_more, np.nan, now),
        limit=limits.times * before,
        past=Past(term, coefficient, grown, reward),
        facts={"sign": np.select([missing, off, growing], [_MISSING, _OFF, _GROWING], np.nan), "before": before},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    parameter = "kl_coef" if info.algorithm is Algorithm.PPO else "beta"
    sign, first = episode.facts.get("sign"), episode.first_step
    back = Advice(text=f"Go on from the last checkpoint before step {first} if the completions became worse since.")
    if sign == _GROWING:
        return Telling(
            summary=f"KL to the reference grew from {episode.facts['before']:.2g} to {episode.peak:.2g} {kl.unit(info)} by "
            f"step {episode.peak_step} while the reward fell.",
            cause=f"The pull to the reference ({parameter}) is too weak for what the updates gain beyond it.",
            advice=(kl.raise_penalty(info), back),
        )
    what = "is missing from the log" if sign == _MISSING else "costs nothing any more"
    return Telling(
        summary=f"From step {first} on the KL {what}: the pull to the reference was switched off during the run.",
        cause=f"Something set {parameter} to 0 while training; at the start it was not.",
        advice=(Advice(text=f"Find the callback or schedule that changes {parameter}, and keep it constant."), back),
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
    ceiling=Severity.HIGH,
    explained_by=("lr-jump", "lr-out-of-band", "update-too-large"),
)
