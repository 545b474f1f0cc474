"""The value function foretells the returns worse than their mean would.

What it means
    PPO subtracts from each return what the value function expected; what remains is the advantage. A value function that
    explains less than nothing adds noise instead of taking it away: the policy gradient points where the critic's errors
    point, and training is slower than with no critic at all.

Why it happens
    A value head that began from nothing and learns too slowly, a critic from a reward model of another scale, rewards
    whose scale changed, values that clipping (`cliprange_value`) keeps from following, or `gamma` and `lam` that make
    returns it cannot foresee.

What to do
    Warm the critic up before the policy may move, begin it from the reward model, raise `vf_coef` or the value function's
    learning rate, and loosen `cliprange_value`. Keep the scale of the rewards.

Where the limit comes from
    Below 0 the mean alone would do better, by the definition (Stable-Baselines3's documentation; Schulman, "The Nuts and
    Bolts of Deep RL Research"). Catalogue: in 20 of 30 logs, after the first 50 updates in which every critic begins, a
    warning; below -0.5 so often, high. Where the returns do not vary it is not defined, and such a log does not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import LevelPast, Rung, scope_rows, watch_levels
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Rows, RunInfo


@dataclass(frozen=True, slots=True)
class Limits:
    """Explained variance; see the manual.

    Attributes:
        first: Steps in which every critic is still bad.
        m: Logs of the last `n` that must lie below.
    """

    warning: float = 0.0
    high: float = -0.5
    first: int = 50
    m: int = 20
    n: int = 30


LIMITS = Limits()


def applies(info: RunInfo) -> str | None:
    """PPO alone has a value function."""
    return None if info.algorithm in (None, Algorithm.PPO) else "this trainer has no value function"


def watch(rows: Rows, past: LevelPast, context: Context) -> Verdict[LevelPast]:
    """The explained variance below the two limits, often."""
    limits: Limits = context.limits
    at, explained = scope_rows(rows, context)
    begun = rows.steps[at] - context.info.first_step > limits.first
    at, explained = at[begun], explained[begun]
    m, n = cadence.persistence(limits.m, limits.n, context.info)
    rungs = (Rung(-limits.warning, Severity.WARNING, m, n), Rung(-limits.high, Severity.HIGH, m, n))
    verdict = watch_levels(-explained, at, past, rungs)
    limit = np.where(verdict.level == Severity.HIGH.rank, limits.high, limits.warning)
    return Verdict(at=at, breach=verdict.breach, level=verdict.level, value=explained, limit=limit, past=verdict.past)


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    wider, weight = info.setting("cliprange_value"), info.setting("vf_coef")
    return Telling(
        summary=f"The value function explained as little as {episode.peak:.2g} of the returns' variance from step "
        f"{episode.first_step} on (limit {episode.limit:g}).",
        cause="A critic that is worse than the mean adds noise to every advantage.",
        advice=(
            Advice(text="Warm the value function up, or begin it from the reward model, before the policy moves."),
            set_to(info, "vf_coef", "Let it learn faster", f"{2 * weight:g}" if weight else "0.5", current=weight),
            set_to(info, "cliprange_value", "Let its values follow", f"{2 * wider:g}" if wider else "0.4", current=wider),
        ),
    )


RULE = RowRule(
    family=Family.VALUE,
    reads=("explained_variance", "hook/explained_variance"),
    watch=watch,
    limits=LIMITS,
    fresh=LevelPast(),
    tell=tell,
    needs=Need.HOOK,
    applies=applies,
    window=lambda limits: limits.n,
    worst=np.argmin,
    ceiling=Severity.HIGH,
)
