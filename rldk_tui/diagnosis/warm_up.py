"""The first logs of a run, in which everything moves and nothing means much."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rldk_tui.run import RunInfo
from rldk_tui.statistics.windows import Bools

SHARE = 0.02
"""Of the planned steps: the catalogue's warm-up, beside its number of logs and the learning rate's own warm-up."""


def warmed_up(steps: NDArray[np.int64], counts: NDArray[np.intp], logs: int, info: RunInfo) -> Bools:
    """Whether each row is past the warm-up.

    Args:
        steps: The row's step.
        counts: How many logs there were up to the row.
        logs: The fewest a rule wants.
        info: For the learning rate's warm-up.
    """
    planned = float(info.max_steps or 0)
    until = max(SHARE * planned, _of_learning_rate(info, planned))
    return (counts >= logs) & (steps - info.first_step >= until)


def _of_learning_rate(info: RunInfo, planned: float) -> float:
    """Steps of warm-up; below 1 the setting is a share of the planned steps."""
    steps, share = info.setting("warmup_steps") or 0.0, info.setting("warmup_ratio") or 0.0
    return steps if steps >= 1 else max(steps, share) * planned
