"""A run's checkpoints beside what its log said where they were saved."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rldk_tui.checkpoints.analysis import CheckpointAnalysis
from rldk_tui.checkpoints.keep import Candidate, Choice, which_to_keep
from rldk_tui.events import Algorithm
from rldk_tui.run import RunSnapshot

_LOGS = 20
"""Logs up to a checkpoint whose mean is its reward: few enough to be of this model, enough to tell noise."""
_BY_LOSS = frozenset({Algorithm.DPO, Algorithm.KTO, Algorithm.REWARD, Algorithm.SFT})
"""Methods whose evaluation loss tells the better model; that of a sampling method does not."""


@dataclass(frozen=True, slots=True)
class RunCheckpoints:
    """All checkpoints of a run that are there.

    Attributes:
        name: The run's.
        analyses: By step.
        candidates: The same, with what the log says; in the same order.
        choice: Which one to keep; None if none can be used.
    """

    name: str
    analyses: tuple[CheckpointAnalysis, ...]
    candidates: tuple[Candidate, ...]
    choice: Choice | None


def gathered(name: str, analyses: Iterable[CheckpointAnalysis], snapshot: RunSnapshot | None) -> RunCheckpoints:
    """The run's checkpoints with a known step, and which of them to keep; without a log by their weights alone."""
    ordered = tuple(sorted((one for one in analyses if one.step is not None), key=lambda one: one.step or 0))
    candidates = tuple(_candidate(one, snapshot) for one in ordered)
    return RunCheckpoints(name, ordered, candidates, which_to_keep(candidates))


def _candidate(analysis: CheckpointAnalysis, snapshot: RunSnapshot | None) -> Candidate:
    step = analysis.step or 0
    if snapshot is None:
        return Candidate(step=step, usable=analysis.usable, health=analysis.health)
    reward, error = _mean_until(snapshot, "reward", step)
    return Candidate(
        step=step,
        usable=analysis.usable,
        health=analysis.health,
        evaluation=_evaluation(snapshot, step),
        reward=reward,
        reward_error=error,
        kl=_mean_until(snapshot, "kl", step)[0],
    )


def _mean_until(snapshot: RunSnapshot, metric: str, step: int) -> tuple[float | None, float | None]:
    """Mean of the last logs up to a step, and its standard error; None where there are none."""
    series = snapshot.series(metric, last=step)
    values = series.values[np.isfinite(series.values)][-_LOGS:]
    if not values.size:
        return None, None
    error = float(values.std(ddof=1)) / math.sqrt(values.size) if values.size > 1 else None
    return float(values.mean()), error


def _evaluation(snapshot: RunSnapshot, step: int) -> float | None:
    """What was evaluated at this very step, higher is better: the reward, or the loss of a method that is judged by it."""
    measures = [("eval/reward", 1.0)]
    if snapshot.info.algorithm in _BY_LOSS:
        measures.append(("eval/loss", -1.0))
    for metric, sign in measures:
        series = snapshot.series(metric, first=step, last=step)
        if len(series) and np.isfinite(series.values[-1]):
            return sign * float(series.values[-1])
    return None
