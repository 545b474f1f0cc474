"""What a run had logged where a checkpoint of it was saved: by this checkpoints are told apart."""

from __future__ import annotations

import math

import numpy as np

from rldk_tui.checkpoints.keep import Candidate
from rldk_tui.events import Algorithm
from rldk_tui.run import MetricSeries, RunSnapshot

_LOGS = 20
"""Logs up to a checkpoint whose mean is its reward: few enough to be of this model, enough to tell noise."""
_BY_LOSS = frozenset({Algorithm.DPO, Algorithm.KTO, Algorithm.REWARD, Algorithm.SFT})
"""Methods whose evaluation loss tells the better model; that of a sampling method does not."""


class WhereSaved:
    """The series of a run by which its checkpoints are told apart, looked up for many steps.

    The mean reward that a reward model gives says nothing of how good it is, so it is none.
    """

    def __init__(self, snapshot: RunSnapshot) -> None:
        self._reward, self._kl = snapshot.series("reward"), snapshot.series("kl")
        self._rewarded = snapshot.info.algorithm is not Algorithm.REWARD
        self._evaluations = [(snapshot.series("eval/reward"), 1.0)]
        if snapshot.info.algorithm in _BY_LOSS:
            self._evaluations.append((snapshot.series("eval/loss"), -1.0))

    def candidate(self, step: int, *, usable: bool, health: float | None) -> Candidate:
        """The checkpoint of this step with what was logged up to it."""
        reward, error = _mean_until(self._reward, step) if self._rewarded else (None, None)
        return Candidate(
            step=step,
            usable=usable,
            health=health,
            evaluation=self._evaluation(step),
            reward=reward,
            reward_error=error,
            kl=_mean_until(self._kl, step)[0],
        )

    def _evaluation(self, step: int) -> float | None:
        """What was evaluated at this very step, higher is better: the reward, or the loss of a method judged by it."""
        for series, sign in self._evaluations:
            at = int(np.searchsorted(series.steps, step, side="right")) - 1
            if at >= 0 and series.steps[at] == step and np.isfinite(series.values[at]):
                return sign * float(series.values[at])
        return None


def _mean_until(series: MetricSeries, step: int) -> tuple[float | None, float | None]:
    """Mean of the last logs up to a step, and its standard error; None where there are none."""
    until = int(np.searchsorted(series.steps, step, side="right"))
    values = series.values[:until][np.isfinite(series.values[:until])][-_LOGS:]
    if not values.size:
        return None, None
    with np.errstate(over="ignore", invalid="ignore"):
        error = float(values.std(ddof=1)) / math.sqrt(values.size) if values.size > 1 else None
        return float(values.mean()), error
