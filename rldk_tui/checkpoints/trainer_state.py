"""trainer_state.json: how far the Trainer says it is, and what it logged of the learning rate. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rldk_tui.checkpoints.file_problem import FileProblem
from rldk_tui.checkpoints.json_file import TRAINER_STATE, read_object
from rldk_tui.checkpoints.numbers import number, whole

_RATE_NAMES = ("learning_rate", "lr")
"""What the Trainer logs the rate as; `lr` is TRL's PPO."""
_LONGEST_NAME = 4096


class LoggedRate(NamedTuple):
    """The learning rate that the log gives for a step."""

    step: int
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainerState:
    """What the Trainer says; None where it does not.

    Attributes:
        step: Steps done (`global_step`).
        max_steps: Steps planned.
        epoch: Passes over the data so far.
        epochs: Passes planned.
        best_metric: The best value of the metric that chooses a model.
        best_step: The step it was reached at.
        best_checkpoint: The checkpoint of it, as it was called when it was written.
        last_logged: The step of the last row of the log.
        rates: The learning rates logged, in the order of the log.
    """

    step: int | None = None
    max_steps: int | None = None
    epoch: float | None = None
    epochs: float | None = None
    best_metric: float | None = None
    best_step: int | None = None
    best_checkpoint: str | None = None
    last_logged: int | None = None
    rates: tuple[LoggedRate, ...] = ()


def read_trainer_state(path: Path) -> TrainerState | FileProblem:
    """The state in a file, or why it was not read."""
    content = read_object(path, path.name, TRAINER_STATE)
    if isinstance(content, FileProblem):
        return content
    log = content.get("log_history")
    rows = [row for row in log if isinstance(row, dict)] if isinstance(log, list) else []
    steps = [step for row in rows if (step := whole(row.get("step"))) is not None]
    best = content.get("best_model_checkpoint")
    return TrainerState(
        step=whole(content.get("global_step")),
        max_steps=whole(content.get("max_steps")),
        epoch=number(content.get("epoch")),
        epochs=number(content.get("num_train_epochs")),
        best_metric=number(content.get("best_metric")),
        best_step=whole(content.get("best_global_step")),
        best_checkpoint=best if isinstance(best, str) and 0 < len(best) <= _LONGEST_NAME else None,
        last_logged=max(steps, default=None),
        rates=tuple(found for row in rows if (found := _rate(row)) is not None),
    )


def _rate(row: Mapping[str, Any]) -> LoggedRate | None:
    step = whole(row.get("step"))
    for name in _RATE_NAMES:
        if step is not None and (rate := number(row.get(name))) is not None:
            return LoggedRate(step, rate)
    return None
