"""The total reward rises at the expense of one of its functions.

What it means
    One function that the policy is paid by falls, by a trend and by as much as its replies differ among each other, while
    the sum of all functions rises. The policy trades that objective for the others, and at these weights the trade pays.
    For a function that is named as a penalty, or never rose above 0, it is only a remark: more of a penalty may be the
    price of better replies.

Why it happens
    The functions contradict each other (short and thorough, safe and helpful), or one of them is so much larger than the
    rest that it alone decides. Where the log does not tell what a function weighs, it may also be one that is only watched,
    and then this is reward hacking.

What to do
    Decide whether the trade is what you want. If not, give the falling function more weight (`reward_weights`), bring all
    functions to one scale before they are added (`multi_objective_aggregation="normalize_then_sum"`), or multiply instead
    of adding, so that one objective cannot be bought with another.

Where the limit comes from
    Catalogue: a significant fall of the function and a rise of the total, over 64 logs, of at least one standard deviation of
    the function's scores in a batch; four jitters of its mean besides, and ten where no spread is logged. GDPO
    (arXiv 2601.05242) shows what adding rewards before they are normalised does to the single objectives.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.beside import SmoothPast, smoothed
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.components import WeightsPast, function_of, functions, spread_of, weight_of
from rldk_tui.diagnosis.levels import nothing
from rldk_tui.diagnosis.opposed import TREND, OpposedPast, opposed
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics.metric import GROUPED
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n

_PENALTY = re.compile(
    r"(^|[/_.-])(penalty|penalties|punishment|overlong|cost|len|length|tokens|repetition)([/_.-]|$)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How far the function must have fallen; see the manual for the source.

    Attributes:
        spreads: In standard deviations of its scores in a batch.
        lost: And as a share of its best, below which nothing is sacrificed.
    """

    spreads: float = 1.0
    lost: float = 0.1
    m: int = 4
    n: int = 5


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept; `top` is the highest mean so far."""

    opposed: OpposedPast = field(default_factory=OpposedPast)
    weights: WeightsPast = field(default_factory=WeightsPast)
    spread: SmoothPast = field(default_factory=SmoothPast)
    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    top: float = -np.inf


def applies(info: RunInfo) -> str | None:
    """Trainers that add up reward functions."""
    return None if info.algorithm is None or info.algorithm in GROUPED else "this trainer adds up no reward functions"


def scopes(_reads: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """Each function, where there are several and a total."""
    several = functions(names) if "reward" in names else ()
    return several if len(several) > 1 else ()


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """How far the function fell while the total gained; not asked of one that is only watched, or paid for falling."""
    limits: Limits = context.limits
    info = context.info
    if past.weights.told is not None and past.weights.told.get(context.scope, 1.0) <= 0:
        return nothing(past)
    found, kept = opposed(rows, context.scope, past.opposed)
    at = found.at
    weight, weights = weight_of(rows, at, context.scope, past.weights, info)
    spread, spread_past = smoothed(rows, at, spread_of(context.scope), 5, past.spread)
    wanted = np.fmax(limits.lost * np.abs(found.best), limits.spreads * spread)
    open_question = np.isnan(weight)
    sacrificed = found.fell & found.gained & (open_question | (weight > 0)) & (found.drop > wanted)
    opened, flags = m_of_n(sacrificed, past.flags, *cadence.persistence(limits.m, limits.n, info))
    tops = np.fmax.accumulate(np.concatenate(([past.top], found.middle)))[1:]
    penalty = (tops <= 0) | bool(_PENALTY.search(context.scope))
    level = np.where(opened, np.where(penalty, Severity.INFO.rank, Severity.WARNING.rank), 0)
    return Verdict(
        at=at,
        breach=found.drop > wanted,
        level=level.astype(np.int8),
        value=found.middle,
        limit=found.best - wanted,
        past=Past(kept, weights, spread_past, flags, float(tops[-1]) if tops.size else past.top),
        facts={"best": found.best, "total": found.total, "then": found.total_then, "weight": weight},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info, facts = context.info, episode.facts
    name = function_of(context.scope)
    normalise = Advice(text="Bring all functions to one scale before they are added.")
    if "multi_objective_aggregation" in info.config:
        today = info.config["multi_objective_aggregation"]
        text = "Bring all functions to one scale before they are added"
        normalise = set_to(info, "multi_objective_aggregation", text, "normalize_then_sum", current=today)
    return Telling(
        summary=f"{name} fell from its best of {facts['best']:.3g} to {episode.peak:.3g} by step {episode.peak_step}, while "
        f"the total reward rose: from {facts['then']:.3g} to {facts['total']:.3g} by step {episode.detected_step}.",
        cause=f"The other functions pay more for what costs {name} than it takes away."
        if "weight" in facts
        else f"What {name} weighs in the total cannot be told from the log: the others outbid it, or it is not paid for.",
        advice=(
            Advice(text=f"Read replies from before step {episode.first_step} and now, and decide whether the trade is wanted."),
            set_to(info, "reward_weights", f"If not, let {name} weigh more", "a larger weight for it",
                   current=info.config.get("reward_weights")),
            normalise,
        ),
    )  # fmt: skip


RULE = RowRule(
    family=Family.REWARD,
    reads=("reward", "rewards/<function>/mean"),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    scopes=scopes,
    window=TREND,
    worst=np.argmin,
    ceiling=Severity.WARNING,
    explained_by=("reward-scale-mismatch", "length-reward-coupling"),
)
