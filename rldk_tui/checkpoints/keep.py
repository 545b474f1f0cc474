"""Which checkpoint of a run to keep, and why.

A checkpoint that is broken is no choice. Of the others the one that evaluates best is, or without evaluations the one with
the highest reward; but the difference must be more than noise. So all that lie within one standard error of the best are as
good as it (the one-standard-error rule of Breiman et al., "Classification and Regression Trees", 1984, §3.4.3), and among
them the one nearest to where the training began is kept: a KL that buys nothing costs what the model could do before. By KL
alone the least trained one would always win, so without evaluations and rewards it decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

_BROKEN = 0.4
"""A health below this is the score's F."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A checkpoint and what was known of the run where it was saved.

    Attributes:
        step: Of the checkpoint.
        usable: Whether its weights are whole and finite.
        health: Its own score, 0 to 1; None if not graded.
        evaluation: A held-out measure, higher is better (a loss with its sign changed); None if there was none.
        reward: Mean around this step; None if not logged.
        reward_error: The standard error of that.
        kl: From the reference model, mean around this step; None if not logged.
    """

    step: int
    usable: bool = True
    health: float | None = None
    evaluation: float | None = None
    reward: float | None = None
    reward_error: float | None = None
    kl: float | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The checkpoint to keep.

    Attributes:
        step: Its step.
        reasons: Why, in the order in which they counted.
    """

    step: int
    reasons: tuple[str, ...]


def which_to_keep(candidates: Iterable[Candidate]) -> Choice | None:
    """The best of these; None if there is none that can be used."""
    given = sorted(candidates, key=lambda one: one.step)
    left = [one for one in given if one.usable]
    if not left:
        return None
    reasons = []
    if len(left) < len(given):
        broken = len(given) - len(left)
        reasons.append(f"{broken} of {len(given)} checkpoints {'is' if broken == 1 else 'are'} broken or not whole")
    healthy = [one for one in left if one.health is None or one.health >= _BROKEN]
    if healthy and len(healthy) < len(left):
        reasons.append(f"{len(left) - len(healthy)} with weights in trouble left out")
        left = healthy
    left, why = _by_outcome(left)
    reasons += why
    left, reason = _by_health(left)
    reasons += [reason] if reason else []
    if len(left) > 1:
        reasons.append("the newest of those that are as good")
    return Choice(left[-1].step, tuple(reasons) or ("the only one",))


def _by_outcome(left: list[Candidate]) -> tuple[list[Candidate], list[str]]:
    """Those as good as the best by evaluation if all have one, else by reward; of them the nearest to the beginning; and why.

    Without rewards those that were evaluated are told apart, and without both none.
    """
    evaluated = [one for one in left if one.evaluation is not None]
    rewarded = [one for one in left if one.reward is not None]
    if evaluated and (len(evaluated) == len(left) or not rewarded):
        told, missing = evaluated, "not evaluated left out"
        best, why = _best(told, lambda one: one.evaluation, 0.0, "best evaluation")
    elif rewarded:
        told, missing = rewarded, "without a logged reward left out"
        best, why = _by_reward(told)
    else:
        return left, []
    nearest, nearer = _by_kl(best)
    reasons = (f"{len(left) - len(told)} {missing}" if len(told) < len(left) else None, why, nearer)
    return nearest, [reason for reason in reasons if reason is not None]


def _by_reward(left: list[Candidate]) -> tuple[list[Candidate], str | None]:
    """Those whose reward is as high as the highest, within its standard error."""
    error = max(left, key=lambda one: one.reward or 0.0).reward_error or 0.0
    why = "highest reward, within its standard error" if error else "highest reward"
    best, told = _best(left, lambda one: one.reward, error, why)
    return best, told or ("no reward is higher than another's by more than its standard error" if len(left) > 1 else None)


def _by_kl(left: Sequence[Candidate]) -> tuple[list[Candidate], str | None]:
    if all(one.kl is not None for one in left):
        return _best(left, lambda one: None if one.kl is None else -one.kl, 0.0, "lowest KL among these")
    return list(left), None


def _by_health(left: Sequence[Candidate]) -> tuple[list[Candidate], str | None]:
    if all(one.health is not None for one in left):
        return _best(left, lambda one: one.health, 0.0, "healthiest weights")
    return list(left), None


def _best(
    left: Sequence[Candidate], measure: Callable[[Candidate], float | None], within: float, why: str
) -> tuple[list[Candidate], str | None]:
    """Those within so much of the best, and why, if that left any out."""
    values = [value if (value := measure(one)) is not None else -float("inf") for one in left]
    limit = max(values) - within
    best = [one for one, value in zip(left, values, strict=True) if value >= limit]
    return best, why if len(best) < len(left) else None
