"""How far the training was when a checkpoint was saved, by its own three accounts.

These are trainer_state.json, optimizer.pt and scheduler.pt; where they contradict each other, `consistency` says so. The
first needs no torch; without torch the other two are a problem `torch-missing` each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from rldk_tui.checkpoints.consistency import contradictions
from rldk_tui.checkpoints.file_problem import FileProblem
from rldk_tui.checkpoints.layout import CheckpointFiles
from rldk_tui.checkpoints.optimizer_state import (
    OptimizerState,
    ParameterGroup,
    ParameterState,
    SchedulerState,
    load_optimizer,
    load_scheduler,
)
from rldk_tui.checkpoints.trainer_state import LoggedRate, TrainerState, read_trainer_state

__all__ = [
    "LoggedRate",
    "OptimizerState",
    "ParameterGroup",
    "ParameterState",
    "SchedulerState",
    "TrainerState",
    "TrainingState",
    "load_optimizer",
    "load_scheduler",
    "read_training_state",
]

_Account = TypeVar("_Account")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingState:
    """What a checkpoint tells of its training.

    Attributes:
        trainer: From trainer_state.json; None if it is not there or cannot be read.
        optimizer: From optimizer.pt; None likewise.
        scheduler: From scheduler.pt; None likewise.
        problems: Files of these that cannot be read, and where they contradict each other or the folder's name.
    """

    trainer: TrainerState | None = None
    optimizer: OptimizerState | None = None
    scheduler: SchedulerState | None = None
    problems: tuple[FileProblem, ...] = ()

    @property
    def step(self) -> int | None:
        """Steps done."""
        return None if self.trainer is None else self.trainer.step

    @property
    def learning_rate(self) -> float | None:
        """The largest rate of the next update, by the optimizer, else the scheduler; without them the last one logged."""
        if self.optimizer is not None and (rates := [group.lr for group in self.optimizer.groups if group.lr is not None]):
            return max(rates)
        if self.scheduler is not None and self.scheduler.last_lr:
            return max(self.scheduler.last_lr)
        rates_logged = () if self.trainer is None else self.trainer.rates
        return rates_logged[-1].rate if rates_logged else None

    def setting(self, name: str) -> float | None:
        """A setting by the Trainer's name for it, None if it is not kept.

        These are kept: learning_rate (before the schedule), weight_decay, adam_epsilon, adam_beta1, adam_beta2. It is the
        largest of all groups, since norms and biases are in groups without weight decay.
        """
        groups = () if self.optimizer is None else self.optimizer.groups
        values = [_SETTINGS[name](group) for group in groups] if name in _SETTINGS else []
        return max((value for value in values if value is not None), default=None)


_SETTINGS: dict[str, Callable[[ParameterGroup], float | None]] = {
    "learning_rate": lambda group: group.lr if group.initial_lr is None else group.initial_lr,
    "weight_decay": lambda group: group.weight_decay,
    "adam_epsilon": lambda group: group.eps,
    "adam_beta1": lambda group: None if group.betas is None else group.betas[0],
    "adam_beta2": lambda group: None if group.betas is None else group.betas[1],
}


def read_training_state(files: CheckpointFiles) -> TrainingState:
    """What the files beside the weights tell of the training; nothing is raised for what is wrong with them."""
    problems: list[FileProblem] = []
    trainer = optimizer = scheduler = None
    if files.trainer_state is not None:
        trainer = _kept(read_trainer_state(files.trainer_state), problems)
    if files.optimizer is not None:
        optimizer = _kept(load_optimizer(files.optimizer), problems)
    if files.scheduler is not None:
        scheduler = _kept(load_scheduler(files.scheduler), problems)
    if optimizer is not None:
        problems.extend(optimizer.problems)
    problems.extend(contradictions(files.path, trainer, optimizer, scheduler))
    return TrainingState(trainer=trainer, optimizer=optimizer, scheduler=scheduler, problems=tuple(problems))


def _kept(read: _Account | FileProblem, problems: list[FileProblem]) -> _Account | None:
    if isinstance(read, FileProblem):
        problems.append(read)
        return None
    return read
