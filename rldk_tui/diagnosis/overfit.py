"""When a model knows its training pairs by heart, and what that costs on pairs it has not seen.

Being right about every training pair is no fault by itself: clean or easy data allow it. So this asks for a second fact: an
evaluation that falls behind, or, where none was made, many passes over the same pairs with nothing left of the loss.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis import blame, cadence
from rldk_tui.diagnosis.beside import SmoothPast, last_known, smoothed
from rldk_tui.diagnosis.levels import finite_rows, graded
from rldk_tui.diagnosis.pairs import EvaluationPast, evaluations, neutral_loss
from rldk_tui.diagnosis.rule import Context, Episode, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, rolling_median

PAIRS_KNOWN = "was right about {} of the training pairs"


@dataclass(frozen=True, slots=True)
class OverfitLimits:
    """When training pairs count as known by heart.

    Attributes:
        perfect: Accuracy on training pairs, as a median over `logs` logs.
        gap: How far an evaluation's accuracy must surely lie below it.
        worse: The multiple of its best at which an evaluation's loss is worse, `evals` times in a row.
        passes: Passes over the data from which, without any evaluation, a loss below `settled` is memory.
        margin: A margin that no preference needs: at 20 the loss is 2e-9.
    """

    perfect: float
    logs: int = 10
    gap: float = 0.1
    worse: float = 1.1
    evals: int = 2
    passes: float = 5.0
    settled: float = 0.07
    margin: float = 20.0


@dataclass(frozen=True, slots=True)
class OverfitPast:
    """What `watch_overfit` keeps."""

    shares: Floats = field(default_factory=lambda: NOTHING_YET)
    loss: SmoothPast = field(default_factory=SmoothPast)
    margin: float = math.nan
    epoch: float = math.nan
    evaluations: EvaluationPast = field(default_factory=EvaluationPast)
    rate: blame.RatePast = field(default_factory=blame.RatePast)


def watch_overfit(
    rows: Rows, past: OverfitPast, context: Context, *, accuracy: str | None, perfect: float, margin: str, behind: Severity
) -> Verdict[OverfitPast]:
    """Training accuracy that is perfect, where something tells that it is memory.

    Args:
        rows: The new rows.
        past: `OverfitPast()` at first.
        context: Its limits are `OverfitLimits`.
        accuracy: The metric; None where the loss is 1 less the probability of the right label, as KTO's is.
        perfect: The accuracy from which training pairs count as known by heart.
        margin: The metric.
        behind: How grave it is that evaluations fall behind, though they still beat chance.
    """
    limits: OverfitLimits = context.limits
    size = cadence.window(limits.logs, context.info)
    neutral = neutral_loss(context.info)
    at, logged = finite_rows(rows, accuracy or "loss")
    shares = np.clip(logged if accuracy else 1.0 - logged, 0.0, 1.0)
    share, kept = rolling_median(shares, past.shares, size, size)
    loss, kept_loss = smoothed(rows, at, "loss", size, past.loss)
    margins, last_margin = last_known(rows, at, margin, past.margin)
    epochs, last_epoch = last_known(rows, at, "epoch", past.epoch)
    held_out, kept_evaluations = evaluations(rows, at, accuracy, neutral, limits.worse, past.evaluations)
    rates, rate = blame.learning_rates(rows, at, past.rate)
    fitted = share >= perfect
    gap = held_out.high < share - limits.gap
    lost = gap & (held_out.low <= 0.5) & (held_out.loss > neutral)
    rising = held_out.worse >= limits.evals
    memory = np.isnan(held_out.loss) & (epochs >= limits.passes) & (loss < limits.settled)
    level = graded(
        [fitted & (lost | (margins > limits.margin)), fitted & gap, fitted & (rising | memory)],
        [Severity.HIGH.rank, behind.rank, Severity.WARNING.rank],
    )
    return Verdict(
        at=at,
        breach=shares >= perfect,
        level=level,
        value=share,
        limit=np.full(at.size, perfect),
        past=OverfitPast(kept, kept_loss, last_margin, last_epoch, kept_evaluations, rate),
        facts={
            **rates,
            "share": share,
            "epochs": epochs,
            "loss": loss,
            "margin": np.where(margins > limits.margin, margins, np.nan),
            "held_out": np.where(gap, held_out.share, np.nan),
            "held_out_loss": np.where(rising | lost, held_out.loss, np.nan),
            "best": np.where(rising, held_out.best, np.nan),
            "memory": np.where(memory, 1.0, np.nan),
        },
    )


def summary(episode: Episode, subject: str, known: str = PAIRS_KNOWN) -> str:
    """One sentence: how well the training pairs are known, and what tells that it is memory."""
    facts = episode.facts
    if "held_out" in facts:
        rest = f"but only {percent(facts['held_out'])} of those held out"
    elif "best" in facts:
        rest = f"while the evaluation's loss rose from {facts['best']:.3g} to {facts['held_out_loss']:.3g}"
    elif "margin" in facts:
        rest = f"and the margin reached {facts['margin']:.3g}, far beyond what a preference needs"
    else:
        rest = f"after {facts.get('epochs', math.nan):.3g} passes over them, with a loss of {facts.get('loss', math.nan):.2g}"
    return f"By step {episode.detected_step} {subject} {known.format(percent(facts['share']))}, {rest}."


def cause(episode: Episode, info: RunInfo) -> str:
    """Why, in one sentence."""
    epochs = episode.facts.get("epochs")
    if epochs is not None and epochs > 1.5:
        return f"Every pair had been seen about {epochs:.0f} times by then: the pairs are remembered, not the preference."
    return blame.cause(episode, info) or (
        "The pairs are remembered rather than the preference: too few of them, or too large steps for so few."
    )


def train_less(episode: Episode, info: RunInfo) -> tuple[Advice, ...]:
    """Stop at the best checkpoint, or make it known; fewer passes; smaller steps."""
    first = Advice(text="Take the checkpoint with the lowest evaluation loss.")
    if "memory" in episode.facts and info.config.get("eval_strategy") in (None, "no"):
        first = blame.set_to(info, "eval_strategy", "Hold out some pairs and evaluate on them", "steps", current="no")
    return first, *_fewer_passes(episode, info), blame.lower_learning_rate(episode, info)


def _fewer_passes(episode: Episode, info: RunInfo) -> tuple[Advice, ...]:
    """One pass; `max_steps`, where it is set, overrides the number of epochs."""
    steps, planned = info.setting("max_steps"), info.setting("num_train_epochs")
    epochs = episode.facts.get("epochs")
    if steps is not None and steps > 0:
        if epochs is None or epochs <= 1:
            return ()
        proposed = f"{max(1.0, (episode.detected_step - info.first_step) / epochs):.0f}"
        return (blame.set_to(info, "max_steps", "Go over the pairs once", proposed, current=steps),)
    if planned is not None and planned <= 1:
        return ()
    return (blame.set_to(info, "num_train_epochs", "Go over the pairs once", "1", current=planned),)
