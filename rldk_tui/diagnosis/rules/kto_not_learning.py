"""KTO does not learn which replies are desirable.

What it means
    Desirable replies gain nothing on undesirable ones. Either the margin has never left zero, so the loss is pinned at 0.5,
    or it wavers around zero: single examples are learned, and nothing carries over to the next. A training loss that falls in
    later passes is memory in that case.

Why it happens
    Labels that are noise, or a column of booleans read as text, so that all are true; replies cut off before they differ;
    nothing trainable (an adapter loaded frozen); a learning rate far too low. With very few examples of one class in each
    batch, KTO learns slowly as well.

What to do
    Print ten examples with their labels as the model gets them, after the chat template and truncation at `max_length`, and
    judge them yourself. Count the trainable parameters. If both are right, raise `learning_rate` (KTO takes 5e-7 to 5e-6 for
    all weights, ten times that for adapters) and use a batch of 8 or more.

Where the limit comes from
    The mean margin, after the warm-up and over at least 400 examples (high from 1000), is compared with the smallest margin
    that a preference would show: that of a model which tells a desirable from an undesirable reply 55 times in 100. Both
    are measured against the scatter of the logged margins, so neither batch nor `beta` matters, and the upper end of the
    mean's 95 % interval must lie below it; it ends once the mean is three standard errors above 0. KTO's loss is 0.5 where
    nothing is learned (TRL's KTO trainer); two evaluations in a row, after 1000 examples, none of which was ever below it
    are a warning of their own. The catalogue has the same for DPO.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import finite_rows, graded
from rldk_tui.diagnosis.pairs import (
    LONGEST,
    EvaluationPast,
    evaluations,
    examples_a_log,
    examples_a_step,
    neutral_loss,
    standard_error,
    until,
)
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.diagnosis.warm_up import warmed_up
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n, rolling, rolling_mean

MARGIN = "rewards/margins"
_LOW = 5e-7
_CONFIDENT = 1.96


@dataclass(frozen=True, slots=True)
class Limits:
    """When a margin counts as none.

    Attributes:
        signal: The least distance between the rewards of desirable and undesirable replies, in standard deviations of a
            reward: 0.178 tells them apart 55 times in 100.
        logs: The fewest logs, `examples` the fewest examples, `sure` the examples from which it is high.
        rising: Standard errors above 0 at which the mean margin shows that something is learned after all.
        still: A margin within this of 0 is none, in all of `logs` logs.
        evals: Evaluations in a row with a loss not below neutral.
    """

    signal: float = 0.178
    logs: int = 20
    examples: int = 400
    sure: int = 1000
    rising: float = 3.0
    still: float = 1e-5
    evals: int = 2


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept; `seen` counts the logs."""

    seen: int = 0
    margins: Floats = field(default_factory=lambda: NOTHING_YET)
    still: Floats = field(default_factory=lambda: NOTHING_YET)
    latched: float = 0.0
    evaluations: EvaluationPast = field(default_factory=EvaluationPast)


def applies(info: RunInfo) -> str | None:
    """KTO."""
    return None if info.algorithm is Algorithm.KTO else "this trainer does not learn from single labelled replies"


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The mean margin, and the least that a preference would show in so many examples."""
    limits: Limits = context.limits
    info = context.info
    everywhere, margins = finite_rows(rows, MARGIN)
    ready = warmed_up(rows.steps[everywhere], past.seen + 1 + np.arange(everywhere.size), 2, info)
    at, margins = everywhere[ready], margins[ready]
    each, logs = examples_a_log(info), cadence.window(limits.logs, info)
    size = LONGEST if math.isnan(each) else int(min(LONGEST, max(logs, math.ceil(limits.sure / each))))
    mean, kept = rolling_mean(margins, past.margins, size, logs)
    error, _ = rolling(margins, past.margins, size, logs, standard_error)
    count = np.minimum(past.margins.size + 1 + np.arange(at.size), size) * each
    least = limits.signal / 2 * np.sqrt(count) * error
    still, still_flags = m_of_n(np.abs(margins) <= limits.still, past.still, logs, logs)
    chance = (count >= limits.examples) & (mean + _CONFIDENT * error < least)
    lasting, latched = until(chance, mean > limits.rising * error, past.latched)
    neutral = neutral_loss(info)
    held_out, kept_evaluations = evaluations(rows, at, "rewards/accuracies", neutral, 1.0, past.evaluations)
    enough = (rows.steps[at] - info.first_step) * examples_a_step(info) >= limits.sure
    unseen = enough & (held_out.chance >= limits.evals) & (held_out.best >= neutral)
    level = graded([still | (chance & (count >= limits.sure)), lasting | unseen], [Severity.HIGH.rank, Severity.WARNING.rank])
    return Verdict(
        at=at,
        breach=margins < np.nan_to_num(least),
        level=level,
        value=mean,
        limit=least,
        past=Past(past.seen + everywhere.size, kept, still_flags, latched, kept_evaluations),
        facts={
            "mean": mean,
            "count": count,
            "least": np.where(chance, least, np.nan),
            "still": np.where(still, 1.0, np.nan),
            "held_out_loss": np.where(unseen, held_out.loss, np.nan),
        },
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    facts, step = episode.facts, episode.detected_step
    still = "still" in facts
    if still:
        summary = f"The margin between desirable and undesirable replies had not left 0 by step {step}."
    elif "least" in facts:
        summary = (
            f"By step {step} the mean margin over the last {facts['count']:.0f} examples was {facts['mean']:.2g}: around 0, "
            f"where even a faint preference would show {facts['least']:.2g}."
        )
    else:
        summary = f"By step {step} the loss on held-out examples was {facts['held_out_loss']:.4g}, as if nothing were learned."
    rate, batch = info.setting("learning_rate"), info.setting("per_device_train_batch_size")
    advice = [Advice(text="Print ten examples with their labels, after the chat template and truncation, and judge them.")]
    if still:
        advice.append(Advice(text="Count the trainable parameters; load an adapter with is_trainable=True."))
    if rate is not None and rate < _LOW:
        advice.append(set_to(info, "learning_rate", "Take larger steps", "1e-06", current=rate))
    if batch is not None and batch < 8:
        advice.append(set_to(info, "per_device_train_batch_size", "Take larger batches", "8", current=batch))
    return Telling(summary=summary, cause=_cause(still), advice=tuple(advice))


def _cause(still: bool) -> str:
    if still:
        return "Nothing moves: no trainable weight is part of the loss, or the steps are too small to be seen."
    return "The labels carry no preference the model could find: noise, or labels that were not read as true and false."


RULE = RowRule(
    family=Family.PREFERENCE,
    reads=(MARGIN,),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.logs,
    worst=np.argmin,
    ceiling=Severity.HIGH,
    explained_by=("dead-gradient", "dpo-labels-flipped", "lr-zero", "nothing-trainable"),
)
