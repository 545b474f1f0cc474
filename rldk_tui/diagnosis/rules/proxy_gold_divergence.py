"""The reward rises while an independent measure of the same replies falls.

What it means
    The policy gets better at what it is paid for and worse at what is meant: reward hacking, seen as it happens. The second
    opinion is a reward function of weight 0, an evaluation of the reward on held-out prompts, or a logged metric called gold
    or benchmark. It is a warning once that is falling by trend, by a tenth of its best and by more than it jitters, high
    once a quarter is lost, critical once half is. Nothing can be said of a run that logs no second opinion.

Why it happens
    Every reward is a proxy. Optimised hard enough, with no KL term or too weak a one, the policy finds what scores without
    being good: keywords, length, flattery, the test's own output. A reward model is right only near the text it was trained
    on, and the policy leaves it.

What to do
    Go back to the checkpoint at which the second opinion was best. Read the replies that score highest now and mend the
    reward against what they exploit, or add the second opinion to it (`reward_weights`). Hold the policy nearer to the
    reference (`beta`, `kl_coef`), or stop at the best of the second opinion: Gao et al. find that the penalty does little
    that stopping early does not.

Where the limit comes from
    Catalogue: a falling trend of the gold metric under a rising reward, or 10 % below its best. Gao et al. (arXiv 2210.10760)
    measure how gold reward turns over while proxy reward rises; Coste et al. (arXiv 2310.02743) how ensembles delay it.
    The catalogue calls 10 % critical; here that is a warning, because a function of weight 0 may be there to watch
    something else, and functions named for lengths, costs or penalties are no second opinion at all. The trend is
    Mann-Kendall's at p = 0.001 over 64 logs, all there are while fewer; evaluations must lie low three times in a row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis import cadence, kl
from rldk_tui.diagnosis.beside import SmoothPast, smoothed
from rldk_tui.diagnosis.components import WeightsPast, function_of, functions, spread_of, weight_of
from rldk_tui.diagnosis.levels import graded, nothing
from rldk_tui.diagnosis.opposed import TREND, OpposedPast, opposed
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats, m_of_n

_TOTAL = "eval/reward"
_GOLD = re.compile(r"(^|[/_.-])(gold|benchmark)([/_.-]|$)", re.IGNORECASE)
_NO_OPINION = re.compile(
    r"(^|[/_.-])(std|loss|error|errors|wer|perplexity|ppl|kl|latency|time|seconds|runtime|second|"
    r"len|length|lengths|tokens|count|turns|cost|penalty|punishment|overlong)([/_.-]|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Shares of the second opinion's best that are lost; see the manual for the source."""

    warning: float = 0.1
    high: float = 0.25
    critical: float = 0.5
    m: int = 4
    n: int = 5


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept."""

    opposed: OpposedPast = field(default_factory=OpposedPast)
    weights: WeightsPast = field(default_factory=WeightsPast)
    spread: SmoothPast = field(default_factory=SmoothPast)
    flags: Floats = field(default_factory=lambda: NOTHING_YET)


def applies(info: RunInfo) -> str | None:
    """Trainers that raise a reward."""
    return None if info.algorithm is None or info.algorithm in ONLINE else "this trainer raises no reward of sampled replies"


def second_opinions(_reads: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """Whatever may be one: whether a function of the reward is paid for, only its rows tell."""
    if "reward" not in names:
        return ()
    paid = functions(names)
    held_out = tuple(name for name in names if name == _TOTAL or (name.startswith("eval/rewards/") and name.endswith("/mean")))
    called = tuple(name for name in names if _GOLD.search(name) and name not in (*paid, *held_out))
    found = (*held_out, *called, *(paid if len(paid) > 1 else ()))
    return tuple(name for name in found if not _NO_OPINION.search(name))


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """How far the second opinion lies below its best while the reward has gained since then."""
    limits: Limits = context.limits
    scope = context.scope
    if _is_paid_for(scope, past.weights):
        return nothing(past)
    found, kept = opposed(rows, scope, past.opposed, sparse=not scope.startswith("rewards/"))
    at = found.at
    counts, weights = _counts(rows, context, found.at, past.weights)
    spread, spread_past = smoothed(rows, at, spread_of(scope), 5, past.spread)
    size = np.fmax(np.abs(found.best), spread)
    lost = found.drop / np.where(size > 0, size, 1.0)
    opened, flags = m_of_n(
        found.fell & found.gained & counts & (lost > limits.warning),
        past.flags,
        *(cadence.persistence(limits.m, limits.n, context.info) if scope.startswith("rewards/") else (1, 1)),
    )
    level = graded(
        [opened & (lost > limits.critical), opened & (lost > limits.high), opened],
        [Severity.CRITICAL.rank, Severity.HIGH.rank, Severity.WARNING.rank],
    )
    return Verdict(
        at=at,
        breach=(lost > limits.warning) & counts,
        level=level,
        value=found.middle,
        limit=found.best - limits.warning * size,
        past=Past(kept, weights, spread_past, flags),
        facts={"best": found.best, "total": found.total, "then": found.total_then, "lost": lost},
    )


def _is_paid_for(scope: str, past: WeightsPast) -> bool:
    """Whether the scope is known for a part of the reward, so that nothing more need be asked."""
    return scope.startswith("rewards/") and past.told is not None and past.told.get(scope) != 0.0


def _counts(rows: Rows, context: Context, at: NDArray[np.intp], past: WeightsPast) -> tuple[Bools, WeightsPast]:
    """Where the scope is a second opinion: not a part of the reward that is paid for."""
    name = context.scope.removeprefix("eval/")
    if not name.startswith("rewards/"):
        return np.ones(at.size, np.bool_), past
    weight, kept = weight_of(rows, at, name, past, context.info)
    only_held_out = context.scope != name and kept.told is not None and name not in kept.told
    return (weight == 0.0) | only_held_out, kept


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info, facts = context.info, episode.facts
    name = function_of(context.scope)
    held_out = context.scope.startswith("eval/")
    subject = "The reward on held-out prompts" if context.scope == _TOTAL else f"{name}{' on held-out prompts' * held_out}"
    unpaid = ", which the policy is not paid for," if context.scope.startswith("rewards/") else ""
    return Telling(
        summary=f"{subject}{unpaid} fell from its best of {facts['best']:.3g} to {episode.peak:.3g} by step "
        f"{episode.peak_step}, while the reward rose: from {facts['then']:.3g} to {facts['total']:.3g} by step "
        f"{episode.detected_step} (limit: {percent(context.limits.warning)} below the best).",
        cause="The policy found what the reward pays for without what it is meant to pay for.",
        advice=(
            Advice(text=f"Go back to the last checkpoint before step {episode.first_step}, where {name} was still good."),
            Advice(
                text="Read the replies that score highest now, and change the reward so that what they exploit does not pay."
            ),
            kl.raise_penalty(info),
        ),
    )


RULE = RowRule(
    family=Family.REWARD,
    reads=("reward", "gold"),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    scopes=second_opinions,
    window=TREND,
    worst=np.argmin,
    explained_by=("kl-guard-absent", "length-reward-coupling"),
)
