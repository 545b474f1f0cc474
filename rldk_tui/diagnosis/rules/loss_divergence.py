"""The loss has risen far above its best, and stays there.

What it means
    The model is getting worse at what it is trained for: the median loss of the last logs lies above the best it ever was by
    more than the noise of this run and by most of what training had gained. It is a warning, and high when the loss is worse
    than it was before any training. An evaluation's loss that rises alone is a warning: the model then learns its training
    data by heart.

Why it happens
    A learning rate too high or one that jumped, gradients that are not clipped, numbers that overflow in half precision, broken
    or very different data from some step on, or too many passes over a small set (the evaluation's loss alone).

What to do
    Go back to the last checkpoint before the onset: such a model seldom recovers by itself, and what it has lost is trained a
    second time. Then lower `learning_rate` to a third or a tenth, keep `max_grad_norm` at 1 or below, and look at the batches
    around the onset. If only the evaluation's loss rises, stop at its best.

Where the limit comes from
    The catalogue's rule for spikes of the loss calls one high that has not come back; PaLM (arXiv 2204.02311) rewinds some 100
    steps and skips the data. Here a median of five logs counts, 6 times the noise about the trend of the last 50 logs, 60 % of
    the gain (the share from which the catalogue calls a lost reward critical) and 30 % of the best, in 6 logs in a row; a spike
    that recovers within five logs is none. A real run whose rate was multiplied by 100 went from 2.5 to 5.2 and stayed at 4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis import blame, cadence
from rldk_tui.diagnosis.beside import held
from rldk_tui.diagnosis.levels import graded
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.diagnosis.supervised import EVALUATION, loss_is_progress, loss_rows
from rldk_tui.diagnosis.warm_up import warmed_up
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows
from rldk_tui.statistics.spread import noise_about_trend
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats, m_of_n, rolling_median, windows


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        noises: How many times the noise the median must lie above its best.
        gain: And what share of what was gained must be lost.
        best: And what share of the best itself, and `evaluation` that of an evaluation's best.
        untrained: The share of the loss before training that it must lie above it to be high.
        at_least: Logs before anything is said; evaluations need `evaluations` that are beyond, one after another.
    """

    noises: float = 6.0
    gain: float = 0.6
    best: float = 0.3
    evaluation: float = 0.5
    untrained: float = 0.2
    median: int = 5
    noise: int = 50
    m: int = 6
    n: int = 6
    at_least: int = 20
    evaluations: int = 2


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept; `best`, `start` and `noise` are NaN while unknown."""

    seen: int = 0
    values: Floats = field(default_factory=lambda: NOTHING_YET)
    recent: Floats = field(default_factory=lambda: NOTHING_YET)
    flags: tuple[Floats, Floats] = (NOTHING_YET, NOTHING_YET)
    best: float = math.nan
    start: float = math.nan
    noise: float = math.nan
    rate: blame.RatePast = field(default_factory=blame.RatePast)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The median loss above its best and above its start."""
    limits: Limits = context.limits
    info = context.info
    evaluation = context.scope.startswith(EVALUATION)
    at, loss = loss_rows(rows, context)
    size = 1 if evaluation else cadence.window(limits.median, info)
    counts = past.seen + 1 + np.arange(at.size)
    middle, recent = rolling_median(loss, past.recent, size, size)
    best = np.fmin.accumulate(np.concatenate(([past.best], middle)))
    start = _first(middle, past.start)
    if evaluation:
        m = n = limits.evaluations
        ready, noise, kept, share = np.ones(at.size, np.bool_), np.zeros(at.size), past.values, limits.evaluation
    else:
        m, n = cadence.persistence(limits.m, limits.n, info)
        ready = warmed_up(rows.steps[at], counts, cadence.window(limits.at_least, info), info)
        view, kept = windows(loss, past.values, cadence.window(limits.noise, info))
        noise, share = _noise_at_best(view, middle, best[:-1], ready, past.noise), limits.best
    low = best[1:]
    least = np.maximum(limits.noises * noise, share * np.abs(low))
    rise = np.maximum(least, limits.gain * (start - low))
    risen, flags = m_of_n(ready & (middle - low > rise), past.flags[0], m, n)
    above = limits.untrained * np.abs(start) if not evaluation else math.inf
    worse, worse_flags = m_of_n(ready & (middle - start > np.maximum(least, above)), past.flags[1], m, n)
    level = graded([risen & worse, risen], [Severity.HIGH.rank, Severity.WARNING.rank])
    facts, rate = blame.learning_rates(rows, at, past.rate)
    last = (float(low[-1]), float(start[-1]), float(noise[-1])) if at.size else (past.best, past.start, past.noise)
    return Verdict(
        at=at,
        breach=ready & (loss - low > rise),
        level=level,
        value=middle,
        limit=low + rise,
        past=Past(past.seen + at.size, kept, recent, (flags, worse_flags), *last, rate),
        facts={**facts, "best": low, "start": start},
    )


def _first(middle: Floats, before: float) -> Floats:
    """The first median, at each row; NaN while there is none."""
    known = np.concatenate(([before], middle))
    there = np.flatnonzero(~np.isnan(known))
    result = np.full(middle.size, np.nan)
    if there.size:
        result[max(0, int(there[0]) - 1) :] = known[there[0]]
    return result


def _noise_at_best(view: Floats, middle: Floats, best_before: Floats, ready: Bools, before: float) -> Floats:
    """How the loss scattered about its trend when it was at its best; NaN while that is not known."""
    due = ready & ~(middle >= best_before)
    if math.isnan(before) and ready.any():
        due[int(np.argmax(ready))] = True
    where = np.flatnonzero(due)
    return held(where, noise_about_trend(view[where]), np.arange(middle.size), before)[0]


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    best, start = episode.facts.get("best", episode.limit), episode.facts.get("start", episode.limit)
    evaluation = context.scope.startswith(EVALUATION)
    what = "The evaluation's loss" if evaluation else "The loss"
    stop = Advice(text=f"Go back to the last checkpoint before step {episode.first_step}.")
    return Telling(
        summary=f"{what} rose from its best of {best:.3g} to {episode.peak:.3g} by step {episode.peak_step} and stays up "
        f"(limit {episode.limit:.3g}; it began at {start:.3g}).",
        cause=blame.cause(episode, context.info) or _without_rate(evaluation=evaluation),
        advice=(stop, blame.lower_learning_rate(episode, context.info, guessed=evaluation), *_clip(context)),
    )


def _without_rate(*, evaluation: bool) -> str:
    """The cause where the learning rate is not to blame."""
    if evaluation:
        return "The model fits its training data at the expense of data it has not seen, or both have gone wrong together."
    return "Updates too large for these weights, or data that changed or broke from that step on."


def _clip(context: Context) -> tuple[Advice, ...]:
    """Clipping, where it is known to be off or loose."""
    today = context.info.setting("max_grad_norm")
    if today is None or 0.0 < today <= 1.0:
        return ()
    return (blame.set_to(context.info, "max_grad_norm", "Clip the gradients", "1.0", current=today),)


def _scopes(reads: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """The loss of training and that of evaluations, each by itself."""
    return tuple(name for name in reads if name in names)


RULE = RowRule(
    family=Family.OPTIMIZER,
    reads=("loss", "eval/loss"),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=loss_is_progress,
    scopes=_scopes,
    window=lambda limits: limits.median + limits.n - 1,
    ceiling=Severity.HIGH,
    explained_by=("dpo-overfit", "rm-overfit", "dpo-labels-flipped", "lr-jump"),
)
