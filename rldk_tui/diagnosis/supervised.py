"""Trainers whose loss is the measure of their progress; the loss of GRPO, RLOO and PPO says nothing of theirs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.levels import scope_rows
from rldk_tui.diagnosis.rule import Context
from rldk_tui.events import Algorithm
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import Floats

SUPERVISED = frozenset({Algorithm.SFT, Algorithm.DPO, Algorithm.KTO, Algorithm.REWARD})
EVALUATION = "eval/"
"""How the metrics of evaluations begin."""
_TELLING = ("mean_token_accuracy", "rewards/margins", "margin", "logps/chosen")
"""Metrics that only these trainers log."""


def loss_is_progress(info: RunInfo) -> str | None:
    """Why a rule about the loss is not for this run; None if it is, or if the run does not tell."""
    told = info.algorithm is None or info.algorithm in SUPERVISED
    return None if told else "the loss of this trainer is no measure of its progress"


def loss_rows(rows: Rows, context: Context) -> tuple[NDArray[np.intp], Floats]:
    """The rows with a loss that measures progress, and that loss; a run that tells no trainer is told by its metrics."""
    at, loss = scope_rows(rows, context)
    if context.info.algorithm is not None:
        return at, loss
    prefix = EVALUATION if context.scope.startswith(EVALUATION) else ""
    telling = np.zeros(at.size, np.bool_)
    for name in _TELLING:
        telling |= rows.column(prefix + name).present[at]
    return at[telling], loss[telling]
