"""When a model tells the better reply of a pair no better than a coin.

The loss cannot show it: a model that remembers coin flips lowers its training loss too. What shows it are pairs the model has
not learned from yet, and the training itself supplies them: throughout the first pass each batch is judged before it is
learned from. So accuracies are pooled until even the upper end of their interval is too low for a preference, and evaluations
say the same of pairs held out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.levels import finite_rows, graded
from rldk_tui.diagnosis.pairs import (
    EvaluationPast,
    Evaluations,
    Pooled,
    PooledPast,
    evaluations,
    examples_a_step,
    neutral_loss,
    pooled,
    until,
)
from rldk_tui.diagnosis.rule import Context, Episode, Verdict
from rldk_tui.diagnosis.warm_up import warmed_up
from rldk_tui.events import Severity
from rldk_tui.run import Rows
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats, m_of_n


@dataclass(frozen=True, slots=True)
class ChanceLimits:
    """When accuracy counts as chance.

    Attributes:
        signal: The least accuracy that is called learning: the interval must lie below it.
        logs: The fewest logs pooled, `pairs` the fewest pairs, `sure` the pairs from which it is high.
        rising: Standard errors above 0 at which a mean margin shows that something is learned after all.
        still: A margin within this of 0 is none, in all of `logs` logs.
        evals: Evaluations in a row that must be no better than chance.
        remembered: A training accuracy from which the question is overfitting, not learning.
        flipped: An accuracy surely below chance and below this is the wrong direction.
    """

    signal: float = 0.55
    logs: int = 20
    pairs: int = 400
    sure: int = 1000
    rising: float = 3.0
    still: float = 1e-5
    evals: int = 2
    remembered: float = 0.9
    flipped: float = 0.45


@dataclass(frozen=True, slots=True)
class ChancePast:
    """What `watch_chance` keeps; `seen` counts the logs, warm-up included."""

    seen: int = 0
    pooled: PooledPast = field(default_factory=PooledPast)
    still: Floats = field(default_factory=lambda: NOTHING_YET)
    latched: float = 0.0
    evaluations: EvaluationPast = field(default_factory=EvaluationPast)


def watch_chance(
    rows: Rows, past: ChancePast, context: Context, *, accuracy: str, margin: str, downward: bool = False
) -> Verdict[ChancePast]:
    """Accuracies after the warm-up, pooled; margins that stay at zero; evaluations at chance.

    Args:
        rows: The new rows.
        past: `ChancePast()` at first.
        context: Its limits are `ChanceLimits`.
        accuracy: The metric.
        margin: The metric.
        downward: Whether an accuracy surely below chance is for this rule to call.
    """
    limits: ChanceLimits = context.limits
    info = context.info
    everywhere, shares = finite_rows(rows, accuracy)
    counts = past.seen + 1 + np.arange(everywhere.size)
    ready = warmed_up(rows.steps[everywhere], counts, 2, info)
    at, shares = everywhere[ready], shares[ready]
    margins, known = _margins(rows, at, margin)
    logs = cadence.window(limits.logs, info)
    found, kept = pooled(shares, margins, past.pooled, info, pairs=limits.sure, logs=logs)
    still, still_flags = m_of_n(known & (np.abs(margins) <= limits.still), past.still, logs, logs)
    neutral = neutral_loss(info)
    held_out, kept_evaluations = evaluations(rows, at, accuracy, neutral, 1.0, past.evaluations)
    enough = (rows.steps[at] - info.first_step) * examples_a_step(info) >= limits.sure
    chance = (found.high < limits.signal) & (found.count >= limits.pairs) & (found.pull < limits.rising)
    lasting, latched = until(chance, (found.low > 0.5) | (found.pull >= limits.rising), past.latched)
    unseen = enough & (held_out.chance >= limits.evals) & (held_out.high >= 0.5) & (found.share < limits.remembered)
    return Verdict(
        at=at,
        breach=shares < limits.signal,
        level=_levels(found, still, chance, lasting | unseen, limits, downward),
        value=found.share,
        limit=np.full(at.size, limits.signal),
        past=ChancePast(past.seen + everywhere.size, kept, still_flags, latched, kept_evaluations),
        facts=_facts(found, still, unseen, held_out),
    )


def _margins(rows: Rows, at: NDArray[np.intp], name: str) -> tuple[Floats, Bools]:
    """The margins beside the accuracies, 0 where none is logged, and where one is."""
    column = rows.column(name)
    known = column.finite[at]
    return np.where(known, np.clip(column.values[at], -1e100, 1e100), 0.0), known


def _levels(
    found: Pooled, still: Bools, chance: Bools, doubtful: Bools, limits: ChanceLimits, downward: bool
) -> NDArray[np.int8]:
    sure = found.count >= limits.sure
    wrong = chance & sure & (found.high < 0.5) & (found.share < limits.flipped) & (found.pull < -limits.rising)
    return graded(
        [wrong if downward else np.zeros_like(chance), still | (chance & sure), doubtful],
        [Severity.CRITICAL.rank, Severity.HIGH.rank, Severity.WARNING.rank],
    )


def _facts(found: Pooled, still: Bools, unseen: Bools, held_out: Evaluations) -> dict[str, Floats]:
    return {
        "share": found.share,
        "count": found.count,
        "high": found.high,
        "still": np.where(still, 1.0, np.nan),
        "held_out": np.where(unseen, held_out.share, np.nan),
        "held_out_loss": np.where(unseen, held_out.loss, np.nan),
    }


def summary(episode: Episode, subject: str) -> str:
    """One sentence: what shows that nothing was learned."""
    facts, step = episode.facts, episode.detected_step
    if "still" in facts:
        return f"The margin between chosen and rejected replies had not left 0 by step {step}."
    if "held_out_loss" in facts and not facts["high"] < episode.limit:
        shown = f" (accuracy {percent(facts['held_out'])})" if "held_out" in facts else ""
        return (
            f"By step {step} {subject} judged held-out pairs no better than chance{shown}, "
            f"with a loss of {facts['held_out_loss']:.4g}."
        )
    chance = "worse than chance" if facts["high"] < 0.5 else "what chance gives"
    return (
        f"By step {step} {subject} was right about {percent(facts['share'])} of the last {facts['count']:.0f} pairs, which is "
        f"{chance}: at most {percent(facts['high'])} with 95 % confidence."
    )
