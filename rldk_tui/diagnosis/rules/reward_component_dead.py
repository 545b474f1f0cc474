"""One reward function gives every reply the same number.

What it means
    All scores of this function were equal, within each batch, for thirty logs: it prefers nothing and so contributes nothing,
    whatever its weight. The other functions alone decide what is learned. When the number is the highest the function ever
    reached, or a reward it always paid beside others, that is only a remark: the objective may simply be met.

Why it happens
    A pattern that never matches, a parser that expects another format, a tag that the chat template strips, an exception
    that is caught and scored as 0. Or the task it checks is so hard that no reply has met it yet, or so easy that all do.

What to do
    Score one reply written by hand that must earn the reward, and one that must not. If both score the same, mend the
    function. If not, make it graded or less strict, so that the first steps in its direction already pay, or show the format
    in the prompt or in a few steps of supervised training.

Where the limit comes from
    Catalogue: a spread of zero in 30 logs in a row, half as many where each log is the mean of ten steps or more. Public runs
    with a strict-format reward that stayed at 0 to the end are the pattern; TRL issue 3452 is such a report. A spread below
    1e-8 counts as zero, which is what TRL takes for it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.beside import held
from rldk_tui.diagnosis.components import WeightsPast, function_of, functions, spread_of, weight_of
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics.metric import GROUPED
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats, m_of_n

_PENALTY = re.compile(r"(^|[/_.-])(penalty|penalties|punishment|overlong|cost)([/_.-]|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limits:
    """Logs in a row without any difference, and the spread that counts as none; see the manual for the source."""

    logs: int = 30
    zero: float = 1e-8


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept: the flags, the last mean, and the highest and the lowest of all."""

    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    mean: float = math.nan
    highest: float = -math.inf
    lowest: float = math.inf
    weights: WeightsPast = field(default_factory=WeightsPast)


def applies(info: RunInfo) -> str | None:
    """Trainers that log the functions of a reward."""
    return None if info.algorithm is None or info.algorithm in GROUPED else "this trainer logs no reward functions"


def scopes(_reads: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """Each function of which the spread is logged."""
    return tuple(name for name in functions(names) if spread_of(name) in names)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """Whether the function told any two replies apart in the last logs."""
    limits: Limits = context.limits
    at, spreads = finite_rows(rows, spread_of(context.scope))
    where, means = finite_rows(rows, context.scope)
    tops = np.fmax.accumulate(np.concatenate(([past.highest], means)))
    bottoms = np.fmin.accumulate(np.concatenate(([past.lowest], means)))
    mean, latest = held(where, means, at, past.mean)
    highest, _ = held(where, tops[1:], at, past.highest)
    lowest, _ = held(where, bottoms[1:], at, past.lowest)
    logs = cadence.window(limits.logs, context.info)
    still = np.abs(spreads) < limits.zero
    dead, flags = m_of_n(still, past.flags, logs, logs)
    weight, weights = weight_of(rows, at, context.scope, past.weights, context.info)
    moved = highest - lowest > limits.zero
    met = np.where(moved, mean >= highest - limits.zero, _may_be_met(rows, at, context.scope, mean))
    level = np.where(dead & (weight != 0.0), np.where(met, Severity.INFO.rank, Severity.WARNING.rank), 0)
    return Verdict(
        at=at,
        breach=still,
        level=level.astype(np.int8),
        value=mean,
        limit=np.zeros(at.size),
        past=Past(flags, latest, float(tops[-1]), float(bottoms[-1]), weights),
        facts={"mean": mean, "met": met.astype(np.float64)},
    )


def _may_be_met(rows: Rows, at: NDArray[np.intp], scope: str, mean: Floats) -> Bools:
    """Whether a number that never moved may be what a met objective gives: no penalty, or a reward beside others."""
    if _PENALTY.search(scope):
        return mean >= 0.0
    beside = np.zeros(at.size, np.bool_)
    for name in functions(tuple(rows.columns)):
        if name != scope:
            beside |= rows.column(name).present[at]
    return beside & (mean > 0.0)


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    name, value = function_of(context.scope), episode.facts.get("mean")
    number = "" if value is None else f": {value:.3g}"
    logs = cadence.window(context.limits.logs, context.info)
    met = episode.facts.get("met") == 1.0
    return Telling(
        summary=f"{name} gave every reply the same number{number}, in at least {logs} logs in a row from step "
        f"{episode.first_step} on.",
        cause="All replies may simply meet it; then it has nothing left to teach."
        if met
        else "It never recognises what it looks for, it accepts everything, or no reply has met it yet.",
        advice=(
            Advice(text=f"Score one reply that must earn {name} and one that must not; if they score the same, mend it."),
            *(() if met else (Advice(text="If it is right, pay for the first steps towards it, or show them in the prompt."),)),
        ),
    )


RULE = RowRule(
    family=Family.REWARD,
    reads=("rewards/<function>/std",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    scopes=scopes,
    window=lambda limits: limits.logs,
    ceiling=Severity.WARNING,
    explained_by=("zero-variance-groups", "entropy-collapse", "truncation", "reward-unscorable"),
)
