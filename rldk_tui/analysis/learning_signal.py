"""How much of the sampled work could teach anything: what share of the replies had no gradient, and what they cost.

A reply teaches nothing where its whole group got one reward (every advantage is 0), where nobody could score it, and where
it was cut off and the trainer masks cut replies. The shares are logged apart and may overlap, so their sum is not known: the
largest of them is a lower bound, and that is what is told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rldk_tui.metrics.metric import GROUPED
from rldk_tui.run import RunSnapshot
from rldk_tui.statistics.trend import LARGEST

WINDOW = 100
"""Logs that are summed up, and as many before them to compare with."""
_LEAST_BEFORE = 25
"""Logs before them from which on there is something to compare with."""
_HOUR = 3600.0
_MOST = 1e18
_TIMES = ("hook/step_time", "step_time", "step_seconds")
"""Seconds a step, the most complete one first."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What replies without a gradient took, of how much in all; NaN where it was not measured."""

    wasted: float
    total: float


@dataclass(frozen=True, slots=True)
class LearningSignal:
    """What the last logs taught.

    Attributes:
        logs: How many logs are summed up.
        share: At least this share of their replies taught nothing.
        before: The same of as many logs before them; None where there are too few.
        parts: Each reason with its own share, the largest first; they may overlap.
        truncated: Share of the replies that were cut off; None where it is not logged.
        masked: Whether cut replies are masked; else they teach, but on fragments.
        tokens: Tokens trained on, by the counter.
        gpu_hours: Of all processes together.
        whole_gpu_hours: The same of all logs that were looked at.
        steps, shares: The share of every log, shape (n,), for a trend.
    """

    logs: int
    share: float
    before: float | None
    parts: tuple[tuple[str, float], ...]
    truncated: float | None
    masked: bool
    tokens: Cost
    gpu_hours: Cost
    whole_gpu_hours: Cost
    steps: NDArray[np.int64]
    shares: NDArray[np.float64]


def learning_signal(snapshot: RunSnapshot, most: int | None = None) -> LearningSignal | str:
    """The account of a run, or in one sentence why there is none.

    Args:
        snapshot: The run.
        most: Logs that are looked at from the end; all by default.
    """
    if snapshot.info.algorithm is not None and snapshot.info.algorithm not in GROUPED:
        return "This trainer compares no replies with each other, so there are no groups without a signal."
    groups = snapshot.series("frac_reward_zero_std", _first(snapshot, most))
    known = np.isfinite(groups.values)
    if not known.any():
        return "The share of groups without a signal is not logged (GRPO and RLOO log it from trl 0.18 on)."
    steps, zero = groups.steps[known], np.clip(groups.values[known], 0.0, 1.0)
    cut, unscored = (
        np.clip(_at(snapshot, name, steps), 0.0, 1.0) for name in ("completions/clipped_ratio", "samples/unscored")
    )
    masked = snapshot.info.config.get("mask_truncated_completions") is True
    reasons = {"every reply of the group got the same reward": zero, "nobody could score it": unscored}
    if masked:
        reasons["it was cut off, and cut replies are masked"] = cut
    shares = np.fmax.reduce(list(reasons.values()))
    last, previous = slice(-WINDOW, None), slice(-2 * WINDOW, -WINDOW)
    parts = sorted(((name, _mean(part[last])) for name, part in reasons.items()), key=lambda part: -part[1])
    return LearningSignal(
        logs=int(shares[last].size),
        share=_mean(shares[last]),
        before=_mean(shares[previous]) if shares[previous].size >= _LEAST_BEFORE else None,
        parts=tuple((name, share) for name, share in parts if share > 0),
        truncated=_mean(cut[last]) if np.isfinite(cut[last]).any() else None,
        masked=masked,
        tokens=_tokens(snapshot, steps[last], shares[last]),
        gpu_hours=_hours(snapshot, steps[last], shares[last]),
        whole_gpu_hours=_hours(snapshot, steps, shares),
        steps=steps,
        shares=shares,
    )


def _first(snapshot: RunSnapshot, most: int | None) -> int | None:
    """The step from which on so many logs lie, as far as the newest launch's rows tell."""
    if most is None or not snapshot.segments:
        return None
    steps = snapshot.segments[-1].rows.steps
    return int(steps[-most]) if steps.size > most else None


def _at(snapshot: RunSnapshot, name: str, steps: NDArray[np.int64]) -> NDArray[np.float64]:
    """A metric at these steps; NaN where it was not logged there."""
    series = snapshot.series(name, int(steps[0]), int(steps[-1]))
    values = np.full(steps.size, np.nan)
    if len(series):
        place = np.clip(np.searchsorted(series.steps, steps), 0, len(series) - 1)
        there = series.steps[place] == steps
        values[there] = series.values[place[there]]
    return np.where(np.isfinite(values), np.clip(values, -LARGEST, LARGEST), np.nan)


def _mean(values: NDArray[np.float64]) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else 0.0


def _tokens(snapshot: RunSnapshot, steps: NDArray[np.int64], shares: NDArray[np.float64]) -> Cost:
    """By the rises of the counter between logs; a counter that starts anew adds nothing there."""
    counted = _believable(_at(snapshot, "num_tokens", steps))
    rises = np.diff(counted, prepend=np.nan)
    return _cost(np.where(rises > 0, rises, np.nan), shares)


def _hours(snapshot: RunSnapshot, steps: NDArray[np.int64], shares: NDArray[np.float64]) -> Cost:
    """Seconds a step, times the steps since the log before, times the processes."""
    for name in _TIMES:
        seconds = _believable(_at(snapshot, name, steps))
        if np.isfinite(seconds).any():
            between = np.diff(steps, prepend=steps[0] - 1).astype(np.float64)
            return _cost(seconds * between * snapshot.info.world_size / _HOUR, shares)
    return Cost(np.nan, np.nan)


def _believable(amounts: NDArray[np.float64]) -> NDArray[np.float64]:
    """What can be a time or a count of tokens; a log may say anything."""
    with np.errstate(invalid="ignore"):
        return np.where((amounts >= 0) & (amounts <= _MOST), amounts, np.nan)


def _cost(amounts: NDArray[np.float64], shares: NDArray[np.float64]) -> Cost:
    known = np.isfinite(amounts)
    if not known.any():
        return Cost(np.nan, np.nan)
    return Cost(float((amounts[known] * shares[known]).sum()), float(amounts[known].sum()))
