"""The reward model's margins explode: its scores are far surer than its judgement.

What it means
    The mean score of chosen replies lies more than 10 above that of rejected ones, or one batch spans more than 50, while
    held-out pairs are not judged any better. A difference of 10 claims odds of 22,000 to 1, which no preference data bear
    out. A policy trained on such scores sees differences so large that advantages, value losses and KL penalties lose their
    meaning.

Why it happens
    The logistic loss goes on rewarding larger margins on pairs that are right already: too many steps or passes, a learning
    rate too high, clean or easy pairs, or no term that holds the scores together.

What to do
    Take the checkpoint with the lowest evaluation loss. Set `center_rewards_coefficient=0.01`, train fewer steps, lower
    `learning_rate`, and normalise the scores before a policy is trained on them.

Where the limit comes from
    Catalogue: a margin above 10 or a range above 50 while the evaluation loss does not improve, as a median of 20 logs after
    the warm-up. Secrets of RLHF II (arXiv 2401.06080) shows overconfident reward models to mislead PPO; TRL documents
    `center_rewards_coefficient` (arXiv 2312.09244). An evaluation whose loss is still at its best is taken for the judgement
    keeping pace.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis import blame, cadence
from rldk_tui.diagnosis.beside import held
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.pairs import EvaluationPast, evaluations, neutral_loss, score_range
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.diagnosis.warm_up import warmed_up
from rldk_tui.events import Algorithm, Severity
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, rolling_median


@dataclass(frozen=True, slots=True)
class Limits:
    """Margin and range in the unit of the scores, as medians of `logs` logs; see the manual for the source."""

    margin: float = 10.0
    span: float = 50.0
    logs: int = 20


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept; `seen` counts the logs."""

    seen: int = 0
    margins: Floats = field(default_factory=lambda: NOTHING_YET)
    spans: Floats = field(default_factory=lambda: NOTHING_YET)
    span: float = math.nan
    evaluations: EvaluationPast = field(default_factory=EvaluationPast)
    rate: blame.RatePast = field(default_factory=blame.RatePast)


def applies(info: RunInfo) -> str | None:
    """Reward models."""
    return None if info.algorithm is Algorithm.REWARD else "this trainer does not train a reward model"


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The median margin and range, and whether evaluations keep pace."""
    limits: Limits = context.limits
    info = context.info
    size = cadence.window(limits.logs, info)
    at, margins = finite_rows(rows, "margin")
    margin, kept = rolling_median(margins, past.margins, size, size)
    where, spans = score_range(rows)
    medians, kept_spans = rolling_median(spans, past.spans, size, size)
    span, last_span = held(where, medians, at, past.span)
    held_out, kept_evaluations = evaluations(rows, at, "accuracy", neutral_loss(info), 1.0, past.evaluations)
    ready = warmed_up(rows.steps[at], past.seen + 1 + np.arange(at.size), size, info)
    facts, rate = blame.learning_rates(rows, at, past.rate)
    far, wide = margin > limits.margin, span > limits.span
    trouble = ready & (far | wide) & ~(held_out.loss <= held_out.best)
    return Verdict(
        at=at,
        breach=margins > limits.margin,
        level=np.where(trouble, Severity.WARNING.rank, 0).astype(np.int8),
        value=margin,
        limit=np.full(at.size, limits.margin),
        past=Past(past.seen + at.size, kept, kept_spans, last_span, kept_evaluations, rate),
        facts={**facts, "span": np.where(wide & ~far, span, np.nan), "held_out_loss": held_out.loss},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    limits: Limits = context.limits
    loss = episode.facts.get("held_out_loss")
    shown = "nothing was evaluated" if loss is None else f"the evaluation's loss, {loss:.3g}, is not at its best"
    if "span" in episode.facts:
        what = (
            f"The scores of a batch spanned {episode.facts['span']:.3g} by step {episode.detected_step} (limit {limits.span:g})"
        )
    else:
        what = f"The margin reached {episode.peak:.3g} by step {episode.peak_step} (limit {limits.margin:g})"
    today = info.setting("center_rewards_coefficient")
    center = blame.set_to(info, "center_rewards_coefficient", "Hold the scores together", "0.01", current=today)
    return Telling(
        summary=f"{what}, and {shown}.",
        cause=blame.cause(episode, info)
        or "The loss goes on rewarding larger margins on pairs that are ranked rightly already.",
        advice=(*((center,) if not today else ()), blame.lower_learning_rate(episode, info)),
    )


RULE = RowRule(
    family=Family.REWARD_MODEL,
    reads=("margin",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.logs,
    ceiling=Severity.WARNING,
    explained_by=("lr-out-of-band", "rm-overfit"),
)
