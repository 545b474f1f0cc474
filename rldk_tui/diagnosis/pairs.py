"""What trainers on labelled pairs share: how many pairs a number speaks of, and what a model that learned nothing would log.

A log's accuracy is a share of few pairs, and an evaluation's of not many more: only with their number does it tell chance
from signal. The trainer logs no count, so it is made from the settings, and for an evaluation from its speed and duration.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.beside import held
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.events import Algorithm
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.proportion import wilson
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats, rolling, rolling_mean

NEUTRAL = math.log(2.0)
"""The logistic loss of a pair to whose two replies the model gives one score."""
LONGEST = 128
"""Logs a window of pairs may span."""
_LOGISTIC = frozenset({"sigmoid", "robust"})


def examples_a_step(info: RunInfo) -> float:
    """The fewest pairs (KTO: examples) one step trains on; NaN where the batch is not known."""
    batch = info.setting("per_device_train_batch_size") or info.setting("train_batch_size")
    if batch is None or batch < 1:
        return math.nan
    return batch * max(1.0, info.setting("gradient_accumulation_steps") or 1.0) * max(1, info.world_size)


def examples_a_log(info: RunInfo) -> float:
    """The fewest pairs one log averages over; NaN where the batch is not known."""
    every = info.setting("logging_steps") or 1.0
    return examples_a_step(info) * (every if every >= 1 else 1.0)


def neutral_loss(info: RunInfo) -> float:
    """The loss of a model that learned nothing; NaN where the kind of loss is not known to tell."""
    if info.algorithm is Algorithm.REWARD:
        return NEUTRAL if not info.setting("center_rewards_coefficient") else math.nan
    kind = info.config.get("loss_type")
    if isinstance(kind, list) and len(kind) == 1:
        kind = kind[0]
    if not isinstance(kind, str | None):
        return math.nan
    if info.algorithm is Algorithm.DPO:
        return NEUTRAL if kind in _LOGISTIC else math.nan
    if info.algorithm is Algorithm.KTO:
        plain = all(info.config.get(name, 1.0) == 1.0 for name in ("desirable_weight", "undesirable_weight"))
        return 0.5 if plain and kind in (None, "kto") else math.nan
    return math.nan


def pairs_evaluated(rows: Rows, at: NDArray[np.intp]) -> Floats:
    """How many held-out pairs the evaluation in each row was made of; NaN where that is not known."""
    speed, seconds = rows.column("eval/samples_per_second").values[at], rows.column("eval/runtime").values[at]
    counts = np.rint(np.clip(speed, 0.0, 1e9) * np.clip(seconds, 0.0, 1e9))
    return np.where(counts >= 1, counts, np.nan)


@dataclass(frozen=True, slots=True)
class PooledPast:
    """What `pooled` keeps: the last shares and margins."""

    shares: Floats = field(default_factory=lambda: NOTHING_YET)
    margins: Floats = field(default_factory=lambda: NOTHING_YET)
    seen: int = 0


@dataclass(frozen=True, slots=True)
class Pooled:
    """The accuracy over a window of logs, at each row.

    Attributes:
        share: Of all pairs in the window; NaN while there are too few logs.
        count: Pairs in the window.
        low: Lower end of the share's interval, `high` its upper end.
        pull: By how many standard errors the mean margin lies above 0; 0 where no margin is logged.
    """

    share: Floats
    count: Floats
    low: Floats
    high: Floats
    pull: Floats


def pooled(
    shares: Floats, margins: Floats, past: PooledPast, info: RunInfo, *, pairs: int, logs: int
) -> tuple[Pooled, PooledPast]:
    """Accuracies of many logs as one share of many pairs.

    Args:
        shares: shape (n,), the accuracies logged.
        margins: shape (n,), the margins beside them, 0 where unknown.
        past: `PooledPast()` at first.
        info: For the pairs a log; where the batch is not known, the scatter of the accuracies tells.
        pairs: The window is as many logs as hold so many pairs, no fewer than `logs` and no more than `LONGEST`.
        logs: The fewest logs.
    """
    each = examples_a_log(info)
    size = LONGEST if math.isnan(each) else int(min(LONGEST, max(logs, math.ceil(pairs / each))))
    share, kept = rolling_mean(np.clip(shares, 0.0, 1.0), past.shares, size, logs)
    here = np.minimum(past.shares.size + 1 + np.arange(shares.size), size)
    if math.isnan(each):
        scatter, _ = rolling(np.clip(shares, 0.0, 1.0), past.shares, size, logs, _variance)
        count = here * np.maximum(1.0, share * (1.0 - share) / np.maximum(scatter, 1e-9))
    else:
        count = here * each
    pull, kept_margins = rolling(margins, past.margins, size, logs, standard_errors)
    low, high = wilson(share, count)
    return Pooled(share, count, low, high, pull), PooledPast(kept, kept_margins, past.seen + shares.size)


def _moments(windows: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean, variance and number of each window's values; NaN only in front, and at least one value."""
    there = ~np.isnan(windows)
    count = there.sum(axis=1).astype(np.float64)
    mean = np.where(there, windows, 0.0).sum(axis=1) / count
    away = np.where(there, windows - mean[:, None], 0.0)
    return mean, (away * away).sum(axis=1) / count, count


def _variance(windows: Floats) -> Floats:
    return _moments(windows)[1]


def standard_error(windows: Floats) -> Floats:
    """Of each window's mean.

    Args:
        windows: shape (k, size), NaN only in front, each row with at least one value.
    """
    _, variance, count = _moments(windows)
    result: Floats = np.sqrt(variance / count)
    return result


def standard_errors(windows: Floats) -> Floats:
    """By how many of its standard errors each window's mean lies above 0.

    Args:
        windows: shape (k, size), NaN only in front, each row with at least one value.
    """
    mean, variance, count = _moments(windows)
    error = np.sqrt(variance / count)
    result = np.where(mean > 0, np.inf, np.where(mean < 0, -np.inf, 0.0))
    np.divide(mean, error, out=result, where=error > 0)
    return result


def until(begins: Bools, ends: Bools, before: float) -> tuple[Bools, float]:
    """Whether the last word was a beginning: from the first `begins` up to the next `ends`, where both are set a beginning.

    Args:
        begins: shape (n,).
        ends: shape (n,).
        before: What the last call returned, 0.0 at first.
    """
    where = np.flatnonzero(begins | ends)
    said, latest = held(where, begins[where].astype(np.float64), np.arange(begins.size), before)
    return said > 0.0, latest


@dataclass(frozen=True, slots=True)
class EvaluationPast:
    """What `evaluations` keeps: the last word of each of `Evaluations`."""

    share: float = math.nan
    low: float = 0.0
    high: float = 1.0
    loss: float = math.nan
    best: float = math.nan
    worse: float = 0.0
    chance: float = 0.0


@dataclass(frozen=True, slots=True)
class Evaluations:
    """What the last evaluation at or before each row says.

    Attributes:
        share: Its accuracy, with the ends of the interval, `low` and `high`; NaN, 0 and 1 where unknown.
        loss: Its loss.
        best: The best loss so far.
        worse: How many evaluations in a row the loss has been far above the best.
        chance: How many in a row were no better than chance, in accuracy and in loss.
    """

    share: Floats
    low: Floats
    high: Floats
    loss: Floats
    best: Floats
    worse: Floats
    chance: Floats


def evaluations(
    rows: Rows, at: NDArray[np.intp], accuracy: str | None, neutral: float, worse: float, past: EvaluationPast
) -> tuple[Evaluations, EvaluationPast]:
    """The evaluations as known at each row.

    Args:
        rows: For the `eval/` columns.
        at: The rows to know them for.
        accuracy: The training's name of the accuracy; None where the loss is 1 less the probability of the right label.
        neutral: The loss of a model that learned nothing; NaN where it is not known.
        worse: The multiple of the best loss from which a loss counts as worse.
        past: `EvaluationPast()` at first.
    """
    before = np.array([[past.share], [past.low], [past.high], [past.loss], [past.best], [past.worse], [past.chance]])
    where, losses = finite_rows(rows, "eval/loss")
    if not where.size:
        return Evaluations(*np.repeat(before, at.size, axis=1)), past
    shares = np.clip(1.0 - losses, 0.0, 1.0)
    if accuracy is not None:
        column = rows.column(f"eval/{accuracy}")
        shares = np.where(column.finite, column.values, np.nan)[where]
    counts = pairs_evaluated(rows, where)
    low, high = wilson(shares, counts)
    above = np.where(np.isnan(counts), shares, low) > 0.5  # False where no accuracy is logged
    best = np.fmin.accumulate(np.concatenate(([past.best], losses)))[1:]
    far = _in_a_row((losses > worse * best) & (losses > best + MATERIAL), past.worse)
    chance = _in_a_row(~above & (losses >= neutral), past.chance)
    words = np.hstack((before, np.vstack((shares, low, high, losses, best, far, chance))))
    told = words[:, np.searchsorted(where, at, side="right")]
    return Evaluations(*told), EvaluationPast(*words[:, -1].tolist())


MATERIAL = 0.02
"""Nats by which a loss must have risen for the rise to matter: evaluations of few pairs wander by as much."""


def _in_a_row(flags: Bools, before: float) -> Floats:
    """How many flags in a row are set, up to each; `before` of them preceded the first."""
    place = np.arange(1, flags.size + 1)
    last_clear = np.maximum.accumulate(np.where(flags, 0, place))
    return np.where(last_clear == 0, place + before, place - last_clear).astype(np.float64)


def score_range(rows: Rows) -> tuple[NDArray[np.intp], Floats]:
    """Rows in which a reward model's highest and lowest score are logged, and how far they lie apart."""
    highest, lowest = rows.column("max_reward"), rows.column("min_reward")
    at = np.flatnonzero(highest.finite & lowest.finite)
    return at, np.abs(np.clip(highest.values[at], -1e99, 1e99) - np.clip(lowest.values[at], -1e99, 1e99))
