"""One reward function is so much larger than another that it alone decides.

What it means
    The functions are added up, so what counts is how far each spreads the replies to a prompt, times its weight. This one
    spreads them less than a twentieth of what the largest does: the order of the replies, and with it everything that is
    learned, comes from the other. The small one is logged and paid for, but not taught.

Why it happens
    Functions on different scales (a reward model's logits of -5 to 5 beside a format check of 0 or 0.1), a penalty counted in
    tokens, or weights that were chosen by looking at the means and not at the spreads.

What to do
    Bring every function to about 0 to 1, or set `reward_weights` so that weight times spread is alike, or let the trainer do
    it: `multi_objective_aggregation="normalize_then_sum"` divides each by its own spread first.

Where the limit comes from
    Catalogue: the largest weighted spread above 20 times this one, the median of 50 logs. TRL issue 3857 shows rewards of
    -3 +- 5 beside 2 +- 0, and GDPO (arXiv 2601.05242) what normalising the sum instead of the parts costs. A function that
    nearly always pays 1, or whose spread is that of a mere yes or no, is not small but nearly met, and is left out; so are
    logs in which it has no spread at all, which reward-component-dead tells.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.beside import last_known
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.components import WeightsPast, function_of, functions, spread_of, weights
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Severity
from rldk_tui.metrics.metric import GROUPED
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats, rolling_median


@dataclass(frozen=True, slots=True)
class Limits:
    """How many times the largest spread may be that of another function; see the manual for the source.

    Attributes:
        met: A mean from here to 1 is that of a function which nearly every reply meets.
        yes_or_no: The share of a yes-or-no score's variance from which a score counts as one.
    """

    times: float = 20.0
    logs: int = 50
    zero: float = 1e-8
    met: float = 0.95
    yes_or_no: float = 0.5


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept."""

    ratios: Floats = field(default_factory=lambda: NOTHING_YET)
    mean: float = np.nan
    weights: WeightsPast = field(default_factory=WeightsPast)


def applies(info: RunInfo) -> str | None:
    """Trainers that add up reward functions as they are."""
    if info.algorithm is not None and info.algorithm not in GROUPED:
        return "this trainer adds up no reward functions"
    if info.config.get("multi_objective_aggregation") == "normalize_then_sum":
        return "every function is divided by its own spread before they are added"
    return None


def scopes(_reads: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """Each function of which the spread is logged, where there are several."""
    known = tuple(name for name in functions(names) if spread_of(name) in names)
    return known if len(known) > 1 else ()


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The largest weighted spread beside the function's own."""
    limits: Limits = context.limits
    scope = context.scope
    since, kept = weights(rows, past.weights, context.info)
    told = kept.told or {}
    weight = told.get(scope, np.nan)
    at, spreads = finite_rows(rows, spread_of(scope))
    means, mean = last_known(rows, at, scope, past.mean)
    judged = (spreads > limits.zero) & (at >= since) & (abs(weight) > 0) & ~_nearly_met(means, spreads, limits)
    at, spreads = at[judged], spreads[judged]
    own = abs(weight) * spreads
    largest = own
    for name, other in told.items():
        column = rows.column(spread_of(name))
        there = column.finite[at] & (abs(other) > 0)
        largest = np.fmax(largest, np.where(there, abs(other) * np.clip(column.values[at], 0.0, 1e100), 0.0))
    ratios = largest / np.where(own > 0, own, 1.0)
    logs = cadence.window(limits.logs, context.info)
    times, ratio_past = rolling_median(ratios, past.ratios, logs, logs)
    return Verdict(
        at=at,
        breach=ratios > limits.times,
        level=np.where(times > limits.times, Severity.WARNING.rank, 0).astype(np.int8),
        value=times,
        limit=np.full(at.size, limits.times),
        past=Past(ratio_past, mean, kept),
        facts={"own": own, "largest": largest},
    )


def _nearly_met(means: Floats, spreads: Floats, limits: Limits) -> Bools:
    share = np.clip(means, 0.0, 1.0)
    inside = share == means
    yes_or_no = np.minimum(spreads, 1.0) ** 2 >= limits.yes_or_no * share * (1.0 - share)
    result: NDArray[np.bool_] = inside & (yes_or_no | (share >= limits.met))
    return result


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    name = function_of(context.scope)
    own, largest = episode.facts["own"], episode.facts["largest"]
    today, aggregation = info.config.get("reward_weights"), info.config.get("multi_objective_aggregation")
    return Telling(
        summary=f"{name} spreads the replies up to {episode.peak:.0f} times less than the largest reward function does "
        f"(at step {episode.detected_step} {own:.2g} beside {largest:.2g}, weights included; median of "
        f"{cadence.window(context.limits.logs, info)} logs, limit {episode.limit:g} times).",
        cause="In the sum of the functions the order of the replies comes from the largest alone.",
        advice=(
            set_to(info, "reward_weights", f"Let {name} weigh more", f"{largest / own:.0f} times its weight", current=today),
            set_to(
                info,
                "multi_objective_aggregation",
                "Or divide each function by its own spread before they are added",
                "normalize_then_sum",
                current=aggregation,
            ),
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
    explained_by=("reward-outliers", "reward-shift"),
)
