"""At this pace the entropy will be spent long before the run ends.

What it means
    The entropy falls so steadily that the policy will be deterministic before much of the remaining budget is used, and the
    reward gains less and less for it. What is left of the run will then change nothing.

Why it happens
    Reward is bought with entropy: every improvement makes the policy more certain, and without anything that holds against it
    the price goes up until nothing is left to pay with.

What to do
    Decide now: stop early, or keep some entropy for later with `epsilon_high=0.28`, a small `entropy_coef`, or a larger `beta`.
    A falling entropy as such is the price of learning, so this is a forecast and no fault.

Where the limit comes from
    Cui et al. (arXiv 2505.22617): reward follows R = -a·exp(H) + b, and early steps predict the later ones. Catalogue: a
    straight line through the logarithm of the last 64 logs, which must fall significantly (Mann–Kendall, p = 0.001),
    reaches 0.05 nat before 60 % of the remaining steps are over, and the reward gains less than half as much a nat as in
    the 64 logs before. A tenth of all steps must be left to decide on. The first 10 % of the steps do not count: the
    entropy falls fast there in every run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.beside import held, last_known
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics.metric import GROUPED
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.trend import directions
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        spent: Entropy in nat/token that counts as none.
        size: Logs the line goes through; `every` so many logs a new one is drawn.
        remaining: Share of the remaining steps before the end of which it must be spent.
        paying: Share of the earlier gain a nat below which the reward gains too little.
        beginning: Share of the planned steps that does not count.
        left: Share of them that would be left over, or there is nothing to decide.
    """

    spent: float = 0.05
    size: int = 64
    every: int = 32
    remaining: float = 0.6
    paying: float = 0.5
    beginning: float = 0.1
    left: float = 0.1


LIMITS = Limits()
_ENDS = 4
"""Parts of a window: the first and the last of them give the levels between which it gained."""
_FLOOR = 1e-9


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept: the last logs of step, entropy and reward, how many there were, and the last forecast."""

    steps: Floats = field(default_factory=lambda: NOTHING_YET)
    entropy: Floats = field(default_factory=lambda: NOTHING_YET)
    rewards: Floats = field(default_factory=lambda: NOTHING_YET)
    reward: float = math.nan
    seen: int = 0
    latest: float = math.nan


def applies(info: RunInfo) -> str | None:
    """Grouped trainers whose end is known."""
    if info.algorithm not in GROUPED:
        return "only of GRPO and RLOO is it known how their entropy goes on"
    return None if info.max_steps else "the number of planned steps is not known"


def _levels(windows: Floats) -> tuple[Floats, Floats]:
    """The medians of the first and of the last part of each window."""
    part = windows.shape[1] // _ENDS
    return np.median(windows[:, :part], axis=1), np.median(windows[:, -part:], axis=1)


def _gain(entropy: Floats, rewards: Floats) -> Floats:
    """What the reward gained for each nat of entropy that was spent; NaN where none was."""
    before, after = _levels(entropy)
    first, last = _levels(rewards)
    spent = np.where(before - after > _FLOOR, before - after, np.nan)
    gain: Floats = (last - first) / spent
    return gain


def _crossing(steps: Floats, entropy: Floats, spent: float) -> Floats:
    """The step at which a line through the entropy's logarithm reaches `spent`; infinite where it does not fall."""
    logs = np.log(np.maximum(entropy, _FLOOR))
    middle, level = steps.mean(axis=1), logs.mean(axis=1)
    about = steps - middle[:, None]
    slope = (about * (logs - level[:, None])).sum(axis=1) / np.square(about).sum(axis=1)
    result = np.full(slope.size, np.inf)
    np.divide(math.log(spent) - level, slope, out=result, where=slope < -_FLOOR)
    crossing: Floats = result + middle
    return crossing


def _forecast(known: tuple[Floats, Floats, Floats], ends: NDArray[np.intp], context: Context) -> Floats:
    """The step at which the entropy will be spent, at each of the logs the windows end with; NaN where nothing is to fear."""
    limits: Limits = context.limits
    steps, entropy, rewards = (values[ends[:, None] - 2 * limits.size + np.arange(2 * limits.size)] for values in known)
    late = slice(limits.size, None)
    spent_at = _crossing(steps[:, late], entropy[:, late], limits.spent)
    now, planned = steps[:, -1], float(context.info.max_steps or math.inf)
    began = context.info.first_step + limits.beginning * (planned - context.info.first_step)
    by = np.minimum(now + limits.remaining * (planned - now), (1.0 - limits.left) * planned)
    soon: Bools = (now >= began) & (spent_at > now) & (spent_at < by)
    falls = np.zeros(ends.size, np.bool_)
    falls[soon] = directions(np.log(np.maximum(entropy[soon, late], _FLOOR))) < 0  # noise has a slope too, and no direction
    earlier = _gain(entropy[:, : limits.size], rewards[:, : limits.size])
    lately = _gain(entropy[:, late], rewards[:, late])
    return np.where(falls & (earlier > 0.0) & (lately < limits.paying * earlier), spent_at, np.nan)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """Where the entropy is heading, drawn anew every so many logs."""
    limits: Limits = context.limits
    at, entropy = finite_rows(rows, "entropy")
    rewards, reward = last_known(rows, at, "reward", past.reward)
    new = rows.steps[at].astype(np.float64), entropy, rewards
    known = tuple(np.concatenate(pair) for pair in zip((past.steps, past.entropy, past.rewards), new, strict=True))
    counts = past.seen + 1 + np.arange(at.size)
    due = np.flatnonzero((counts % limits.every == 0) & (counts >= 2 * limits.size))
    drawn = _forecast((known[0], known[1], known[2]), past.steps.size + due + 1, context) if due.size else NOTHING_YET
    forecast, latest = held(due, drawn, np.arange(at.size), past.latest)
    keep = max(0, known[0].size - (2 * limits.size - 1))
    fearful = ~np.isnan(forecast)
    return Verdict(
        at=at,
        breach=fearful,
        level=np.where(fearful, Severity.INFO.rank, 0).astype(np.int8),
        value=entropy,
        limit=np.full(at.size, limits.spent),
        past=Past(known[0][keep:], known[1][keep:], known[2][keep:], reward, past.seen + int(at.size), latest),
        facts={"spent": forecast},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    wide = info.setting("epsilon_high")
    return Telling(
        summary=f"At the pace of steps up to {episode.detected_step} the entropy is spent at about step "
        f"{episode.facts['spent']:.0f} of {info.max_steps}, and the reward gains little for it.",
        cause="Reward is bought with entropy, and nothing holds against it.",
        advice=(
            set_to(info, "epsilon_high", "Widen the upper clip", "0.28", current=wide),
            Advice(text="Or plan to stop there: what is left of the run will change little."),
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
    worst=np.argmin,
    ceiling=Severity.INFO,
    adaptive=True,
)
