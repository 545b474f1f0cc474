"""Where the accounts that a checkpoint gives of its training contradict each other.

Every check is quiet about what healthy trainers do: the optimizer of PPO makes several updates a step; fp16 leaves out updates
whose gradient overflowed; the log tells the rate of the update that was made, the scheduler that of the next one; a scheduler
that watches a metric does not count steps; a parameter without a gradient has no moments.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, pairwise
from pathlib import Path, PurePath

from rldk_tui.checkpoints.file_problem import FileProblem, named
from rldk_tui.checkpoints.folder import step_of
from rldk_tui.checkpoints.optimizer_state import OptimizerState, SchedulerState
from rldk_tui.checkpoints.trainer_state import TrainerState

LEFT_OUT = 0.05
"""Share of the steps that fp16's loss scaling may leave out, and a few more at the beginning."""
LEFT_OUT_AT_FIRST = 20
SAME_RATE = 1e-3
"""Rates that differ by no more than this share of the largest are the same: logs are rounded."""

_STATE = "trainer_state.json"
_MIXED = "The folder mixes files of different saves: resume from another checkpoint."


def contradictions(
    folder: Path, trainer: TrainerState | None, optimizer: OptimizerState | None, scheduler: SchedulerState | None
) -> tuple[FileProblem, ...]:
    """All contradictions between the folder's name and whichever of the three accounts are there."""
    folder = folder.absolute()
    found = [_between_groups(optimizer, scheduler), _within(optimizer)]
    if trainer is not None:
        found += [_named(folder, trainer), _log(trainer), _best(folder, trainer)]
        found += [_counted(trainer, optimizer, scheduler), _logged_rate(trainer, scheduler)]
    return tuple(chain.from_iterable(found))


def _named(folder: Path, trainer: TrainerState) -> Iterator[FileProblem]:
    step = step_of(folder.name)
    if None not in (step, trainer.step) and step != trainer.step:
        message = f"It says step {trainer.step} in a folder of step {step}."
        yield FileProblem("step-mismatch", _STATE, message, "The folder was renamed or mixed up: trust the file, not the name.")


def _log(trainer: TrainerState) -> Iterator[FileProblem]:
    if trainer.step is None:
        yield FileProblem("step-missing", _STATE, "It has no `global_step`.", "Resume from another checkpoint.")
        return
    if trainer.last_logged is not None and trainer.last_logged > trainer.step:
        message = f"Its log reaches step {trainer.last_logged}, beyond the step {trainer.step} it was saved at."
        yield FileProblem("log-beyond-step", _STATE, message, _MIXED)
    if trainer.max_steps and trainer.step > trainer.max_steps:
        message = f"It is at step {trainer.step} of {trainer.max_steps}."
        yield FileProblem("step-beyond-end", _STATE, message, "Raise max_steps or num_train_epochs before resuming.")


def _best(folder: Path, trainer: TrainerState) -> Iterator[FileProblem]:
    if trainer.best_checkpoint is None:
        return
    name = PurePath(trainer.best_checkpoint).name
    step = step_of(name)
    if step is not None and trainer.best_step is not None and step != trainer.best_step:
        message = f"Its best checkpoint is {named(name)} and its best step {trainer.best_step}."
        yield FileProblem("best-step-mismatch", _STATE, message, "Compare the evaluations in the log before choosing one.")
    # Only beside a folder with its own name is it known where the others should be.
    if step is not None and step_of(folder.name) is not None and not (folder.parent / name).is_dir():
        message = f"Its best checkpoint {named(name)} is no longer there."
        yield FileProblem(
            "best-checkpoint-missing", _STATE, message, "Keep it with save_total_limit and load_best_model_at_end."
        )


def _counted(
    trainer: TrainerState, optimizer: OptimizerState | None, scheduler: SchedulerState | None
) -> Iterator[FileProblem]:
    step = trainer.step
    if not step:
        return
    updates = None if optimizer is None else optimizer.step
    if updates is not None and updates < _fewest(step):
        message = f"Its parameters have had {updates:.0f} updates at most, in {step} steps."
        yield FileProblem("optimizer-step-mismatch", "optimizer.pt", message, _MIXED)
    reached = None if scheduler is None or scheduler.follows_metric else scheduler.last_epoch
    if reached is None:
        return
    # With several processes a scheduler may be stepped once by each.
    times = max(1, round(reached / step))
    if not _fewest(step) <= reached / times <= step:
        message = f"It has been stepped {reached} times, in {step} steps."
        yield FileProblem("scheduler-step-mismatch", "scheduler.pt", message, _MIXED)


def _fewest(step: int) -> float:
    return step * (1.0 - LEFT_OUT) - LEFT_OUT_AT_FIRST


def _within(optimizer: OptimizerState | None) -> Iterator[FileProblem]:
    if optimizer is None:
        return
    grouped = {index for group in optimizer.groups for index in group.params}
    stray = [one.index for one in optimizer.parameters if one.index not in grouped]
    if stray:
        message = f"It keeps moments of parameter {stray[0]}, which is in none of its groups."
        yield FileProblem("optimizer-groups-mismatch", "optimizer.pt", message, _MIXED)
    uneven = [
        one.index
        for one in optimizer.parameters
        if one.exp_avg is not None and one.exp_avg_sq is not None and one.exp_avg.shape != one.exp_avg_sq.shape
    ]
    if uneven:
        message = f"The two moments of parameter {uneven[0]} have different shapes."
        yield FileProblem("optimizer-moments-mismatch", "optimizer.pt", message, _MIXED)


def _between_groups(optimizer: OptimizerState | None, scheduler: SchedulerState | None) -> Iterator[FileProblem]:
    if optimizer is None or scheduler is None or not scheduler.last_lr:
        return
    rates = tuple(group.lr for group in optimizer.groups)
    if len(rates) != len(scheduler.last_lr):
        message = f"It has rates for {len(scheduler.last_lr)} groups and the optimizer has {len(rates)}."
        yield FileProblem("learning-rate-mismatch", "scheduler.pt", message, _MIXED)
        return
    most = max(map(abs, scheduler.last_lr))
    for ours, theirs in zip(rates, scheduler.last_lr, strict=True):
        if ours is not None and abs(ours - theirs) > SAME_RATE * most:
            message = f"Its learning rate is {theirs:.3g} and the optimizer's {ours:.3g}."
            yield FileProblem("learning-rate-mismatch", "scheduler.pt", message, _MIXED)
            return


def _logged_rate(trainer: TrainerState, scheduler: SchedulerState | None) -> Iterator[FileProblem]:
    """The last rate in the log against the scheduler's, no further apart than the schedule has ever moved in that time."""
    if scheduler is None or scheduler.follows_metric or not scheduler.last_lr or len(trainer.rates) < 2 or trainer.step is None:
        return
    moves = [abs(b.rate - a.rate) / (b.step - a.step) for a, b in pairwise(trainer.rates) if b.step > a.step]
    last = trainer.rates[-1]
    most = max(rate.rate for rate in trainer.rates)
    # One step more than between the two, since the log tells of an update made; half as much again for a bend in the schedule.
    allowed = 1.5 * max(moves, default=0.0) * (trainer.step - last.step + 1) + SAME_RATE * most
    if trainer.step >= last.step and min(abs(rate - last.rate) for rate in scheduler.last_lr) > allowed:
        message = (
            f"Its learning rate is {scheduler.last_lr[0]:.3g}; the last one logged is {last.rate:.3g}, at step {last.step}."
        )
        yield FileProblem("learning-rate-mismatch", "scheduler.pt", message, _MIXED)
