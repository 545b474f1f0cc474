"""The reward stepped to another level or spread while the policy did not move.

What it means
    From one log to the next the rewards lie elsewhere, scatter otherwise, or are all the same, and KL, entropy and length
    of the replies show no such step. The same replies are scored by another measure: the reward changed, not the policy.
    Whatever the run learns from here on, it learns for that other reward, and its curve cannot be read across the step.

Why it happens
    A reward function that was edited, scaled or normalised anew, a sign or a threshold that turned, a judge or an endpoint
    that was replaced or answers with a default, a component that fails silently, or a curriculum that scores other tasks.

What to do
    Score some completions from before the step with today's reward function and compare. Look for state in the function (a
    counter, a cache, running statistics) and for a service behind it that changed at that time. If the change was meant,
    start a run of its own with it; if not, go back to the last checkpoint before the step.

Where the limit comes from
    Catalogue: a change of the reward's scale or sign is a fault to be told from learning, and KL, entropy and length are
    what learning moves first. Here the median of five logs must lie 6 usual deviations (1.4826 MAD of 48 logs) from the
    level before, or its spread 4 of them and a factor of 2, each of the five at least 80 % of the way, and the three logs
    before must lie near the old level; learning has no such edge. 4 deviations of another metric in the first three logs
    count as a move of the policy. In some 60 healthy runs of TRL trainers none is seen, and rewards multiplied by 5, with 1
    added, negated or made constant in such runs were found in nearly all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.abrupt import Step, Steps, continued, moved, steps, stretches
from rldk_tui.diagnosis.beside import held, last_known
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats, median

POLICY = ("kl", "entropy", "completions/mean_length")
"""What a policy that changes moves."""
_SAME = 1e-6
"""A spread below it is none."""
_LONG_EPOCH = 1.0 / 50.0


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source; lengths in logs.

    Attributes:
        level: How many usual deviations the reward must step, and `spread` its spread on a logarithmic scale.
        factor: And by how much the spread must grow or shrink at least.
        policy: Deviations of another metric from which the policy itself has moved.
        same: How many logs of the window before may hold equal rewards, for later equal ones to mean anything.
    """

    level: float = 6.0
    spread: float = 4.0
    factor: float = 2.0
    policy: float = 4.0
    before: int = 48
    after: int = 5
    at_least: int = 20
    same: int = 1


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Held:
    """The last step of a series: the level before it and after it, and 1 if it is excused; NaN while there was none."""

    before: float = math.nan
    after: float = math.nan
    excused: float = math.nan


@dataclass(frozen=True, slots=True)
class Series:
    """What is kept of one series: its last values, the last that was logged, and its last step."""

    values: Floats = field(default_factory=lambda: NOTHING_YET)
    latest: float = math.nan
    step: Held = field(default_factory=Held)


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept."""

    level: Series = field(default_factory=Series)
    spread: Series = field(default_factory=Series)
    same: Series = field(default_factory=Series)
    beside: tuple[Series, ...] = (Series(),) * (len(POLICY) + 1)


def applies(info: RunInfo) -> str | None:
    """Trainers that score replies."""
    return None if info.algorithm is None or info.algorithm in ONLINE else "this trainer scores no replies"


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """Steps of the reward's level and spread, and rewards that become equal, where the policy did not step with them."""
    limits: Limits = context.limits
    level_step, spread_step = _designs(limits, context.info)
    at, reward = finite_rows(rows, "reward")
    spread, latest_spread = last_known(rows, at, "reward_std", past.spread.latest)
    same = _same(reward, spread, past.level.latest)
    policy, beside = _beside(rows, at, past, level_step)
    inputs = (
        (reward, past.level, lambda series: steps(series, level_step)),
        (np.log(np.where(spread > _SAME, spread, np.nan)), past.spread, lambda series: _grown(series, spread_step, limits)),
        (same, past.same, lambda series: _became_same(series, level_step, limits)),
    )
    unexcused = [*policy[:-1], np.full(policy[-1].size, np.nan)]  # no other prompts make all rewards equal
    walks = [
        _walk(values, before, find, unexcused if values is same else policy, level_step, limits)
        for values, before, find in inputs
    ]
    facts = {
        f"{name} {when}": series
        for name, walk in zip(("level", "spread", "same"), walks, strict=True)
        for when, series in (("before", walk.before), ("after", walk.after))
    }
    level, spread_kept, same_kept = (walk.past for walk in walks)
    latest = float(reward[-1]) if at.size else past.level.latest
    return Verdict(
        at=at,
        breach=np.zeros(at.size, np.bool_),  # one log tells nothing: the step began where its window did
        level=np.maximum.reduce([walk.level for walk in walks]),
        value=reward,
        limit=np.where(np.isnan(walks[0].before), reward, walks[0].before),
        past=Past(replace(level, latest=latest), replace(spread_kept, latest=latest_spread), same_kept, beside),
        facts=facts,
    )


def _designs(limits: Limits, info: RunInfo) -> tuple[Step, Step]:
    """A step of the level, and one of the logarithm of the spread."""
    before, after = cadence.window(limits.before, info), cadence.window(limits.after, info)
    level = Step(limits.level, before, after, cadence.window(limits.at_least, info))
    return level, replace(level, spreads=limits.spread, floor=0.05, relative=0.0)


def _same(reward: Floats, spread: Floats, latest: float) -> Floats:
    """1 where all rewards of a log are equal: by their spread, and where that is not logged, by a mean that stays."""
    before = np.concatenate(([latest], reward))[:-1]
    return np.where(np.isnan(spread), reward == before, spread <= _SAME).astype(np.float64)


def _chosen(found: Steps, which: Bools) -> Steps:
    return Steps(found.at[which], found.before[which], found.after[which], found.spread[which])


def _grown(series: Floats, step: Step, limits: Limits) -> Steps:
    """Where the logarithm of the spread steps by a factor that matters."""
    found = steps(series, step)
    return _chosen(found, np.abs(found.after - found.before) > math.log(limits.factor))


def _became_same(series: Floats, step: Step, limits: Limits) -> Steps:
    """Where all logs after are equal and hardly any before was."""
    view = stretches(series, step)
    at = np.flatnonzero(view[:, step.before :].min(axis=1) == 1.0)
    before = view[at, : step.before]
    known = np.count_nonzero(~np.isnan(before), axis=1) >= step.at_least
    at = at[known & (np.count_nonzero(before == 1.0, axis=1) <= limits.same)]
    return Steps(at, np.zeros(at.size), np.ones(at.size), np.ones(at.size))


def _beside(rows: Rows, at: NDArray[np.intp], past: Past, step: Step) -> tuple[list[Floats], tuple[Series, ...]]:
    """What the policy did in the same logs, and the passes over the data, last."""
    others, kept = [], []
    for name, before in zip((*POLICY, "epoch"), past.beside, strict=True):
        values, latest = last_known(rows, at, name, before.latest)
        series, after = continued(values, before.values, step)
        others.append(series)
        kept.append(Series(after, latest=latest))
    return others, tuple(kept)


def _of_the_reward(found: Steps, policy: list[Floats], step: Step, limits: Limits) -> tuple[Steps, Floats]:
    """The steps in which the policy had no part, and 1 for those that a new epoch or a lack of evidence excuses."""
    if not found.at.size:
        return found, np.empty(0)
    moves = np.array([moved(series, found.at, step) for series in policy[:-1]])
    known = ~np.isnan(moves).all(axis=0)
    alone = np.logical_not((moves > limits.policy).any(axis=0))
    epochs = stretches(policy[-1], step)[found.at]
    long = epochs[:, -1] - epochs[:, step.before - step.at_least] < _LONG_EPOCH * (step.after + step.at_least)
    begins = np.ceil(epochs[:, step.before]) > np.ceil(epochs[:, step.before - 2])
    return _chosen(found, alone), ((begins & long) | ~known)[alone].astype(np.float64)


@dataclass(frozen=True, slots=True)
class Walk:
    """One series, row by row: the trouble it is in, and the levels of the step in force, NaN without one."""

    level: NDArray[np.int8]
    before: Floats
    after: Floats
    past: Series


def _walk(
    values: Floats, past: Series, find: Callable[[Floats], Steps], policy: list[Floats], step: Step, limits: Limits
) -> Walk:
    """A series is in trouble from a step on until it is halfway back."""
    series, kept = continued(values, past.values, step)
    found, excused = _of_the_reward(find(series), policy, step, limits)
    if not found.at.size and math.isnan(past.step.before):
        unknown = np.full(values.size, np.nan)
        return Walk(np.zeros(values.size, np.int8), unknown, unknown, replace(past, values=kept))
    last = stretches(series, step)[:, step.before :]
    known = ~np.isnan(last).all(axis=1)
    middle = np.full(values.size, np.nan)
    middle[known] = median(last[known])
    everywhere = np.arange(values.size)
    before, last_before = held(found.at, found.before, everywhere, past.step.before)
    after, last_after = held(found.at, found.after, everywhere, past.step.after)
    why, last_why = held(found.at, excused, everywhere, past.step.excused)
    there = (middle - before) * np.sign(after - before) > np.abs(after - before) / 2  # False where no step was seen
    return Walk(
        level=np.where(there, np.where(why == 1.0, Severity.INFO.rank, Severity.WARNING.rank), 0).astype(np.int8),
        before=np.where(there, before, np.nan),
        after=np.where(there, after, np.nan),
        past=Series(kept, past.latest, Held(last_before, last_after, last_why)),
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    facts, step = episode.facts, episode.first_step
    level = (facts.get("level before"), facts.get("level after"))
    spread = (facts.get("spread before"), facts.get("spread after"))
    judge = "model" if context.info.algorithm is Algorithm.PPO else "function"
    what = []
    if level[0] is not None and level[1] is not None:
        what.append(f"the reward stepped from {level[0]:.3g} to {level[1]:.3g}")
    if "same after" in facts:
        what.append("all rewards of a batch became equal")
    elif spread[0] is not None and spread[1] is not None:
        what.append(f"the spread of rewards went from {math.exp(spread[0]):.3g} to {math.exp(spread[1]):.3g}")
    if episode.severity is Severity.INFO:
        why = "It came with a new epoch of the data, or nothing is logged that would show whether the policy moved."
    else:
        why = _guess(level, spread)
    return Telling(
        summary=f"At step {step} {' and '.join(what) or 'the reward stepped'}; KL, entropy and length, where logged, did not.",
        cause=why,
        advice=(
            Advice(text=f"Score completions from before step {step} again with the reward {judge} as it is now, and compare."),
            Advice(text=f"If the change was not meant, go back to the last checkpoint before step {step}."),
        ),
    )


def _guess(level: tuple[float | None, float | None], spread: tuple[float | None, float | None]) -> str:
    """What was probably done to the reward."""
    changed = "The reward changed, not the policy"
    before, after = level
    if before is None or after is None or abs(before) < _SAME:
        return f"{changed}: the same replies are scored by another measure."
    times = after / before
    if spread[0] is not None and spread[1] is not None and times > 0:
        grown = math.exp(spread[1] - spread[0])
        if 0.6 < grown / times < 1.6:
            return f"{changed}: rewards look multiplied by about {times:.2g}."
    if 0.8 < -times < 1.25:
        return f"{changed}: rewards look as if their sign was turned."
    if 0.0 <= before <= 1.0 and abs(after - (1.0 - before)) < 0.1:
        return f"{changed}: rewards look turned round, 1 minus what they were."
    return f"{changed}: the same replies are scored by another measure."


RULE = RowRule(
    family=Family.REWARD,
    reads=("reward",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.after,
    ceiling=Severity.WARNING,
    adaptive=True,
    explained_by=("reward-outliers", "zero-variance-groups"),
)
