"""What a part of the callback is: one thing that is watched inside a training, in a file of its own.

To add one: a class here beside the others, and a line in `parts.py`. Every call of a part runs inside the border, under the
part's `task`; a part that fails is told once, and the other parts and the training go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rldk_tui.events import Algorithm, Phase
from rldk_tui.integrations.trl.border import Border
from rldk_tui.integrations.trl.loop import TrainingLoop
from rldk_tui.integrations.trl.recorder import Recorder


@dataclass(frozen=True, slots=True)
class Training:
    """The training as a part sees it when it begins.

    Attributes:
        args, state: The trainer's arguments and its living state.
        model: What is trained, as the trainer hands it over: wrapped for several processes, and in PPO policy and value
            model in one wrapper (`.policy`, `.value_model`).
        optimizer, scheduler, processing_class, dataloader: As the trainer hands them over; None where it does not.
        trainer: The trainer itself, where the user attached it; else None, and nothing but the above can be had.
        algorithm: As the arguments' class tells it.
        run_directory: Where the run's logs are.
        is_main: Whether this process is the one that logs.
        loop: The training loop, to ask from another thread whether it still runs.
        recorder: Where what is measured goes.
        border: Where a thing that could not be done is told.
    """

    args: Any
    state: Any
    model: Any
    optimizer: Any
    scheduler: Any
    processing_class: Any
    dataloader: Any
    trainer: Any
    algorithm: Algorithm | None
    run_directory: Path
    is_main: bool
    loop: TrainingLoop
    recorder: Recorder
    border: Border


class Part:
    """Does nothing at every event of a training; a part overrides those it needs, and only those are called.

    The loop of the Hugging Face Trainer calls `step_begin`, `before_optimizer`, `after_optimizer`, `step_end`, `logged`,
    `saved`. PPO has a loop of its own and calls `logged`, `step_end`, `saved` alone, in this order. `step` is always the
    optimizer step that is being made or was made last, counted from 1.
    """

    task = "watch the training"
    """What is being tried, as in "could not <task>: OSError: ..."."""
    idle = False
    """Set by `begin` where there is nothing to see in this training: the part is then let go of, and not called again."""

    def begin(self, training: Training) -> None:
        """The training is about to start, or to be resumed."""

    def step_begin(self, step: int) -> None:
        """A step begins; the trainers that sample do so after this."""

    def before_optimizer(self, step: int) -> None:
        """Gradients are whole, and clipped already where the trainer clips."""

    def after_optimizer(self, step: int) -> None:
        """The weights are new, the gradients are still there."""

    def step_end(self, step: int) -> None:
        """A step ended, logged or not."""

    def logged(self, step: int, phase: Phase, values: dict[str, float | None]) -> None:
        """The trainer logged a row, which is written already; only in the process that logs. Keys are the trainer's own."""

    def saved(self, step: int, folder: Path) -> None:
        """A checkpoint was saved; only in the process that logs."""

    def steer(self, control: Any) -> None:
        """After `step_end`: the only place where a part may ask the trainer to save or to stop."""

    def ended(self, step: int) -> None:
        """The training loop returned."""

    def over(self) -> None:
        """The end is written down: the loop returned, or an exception left the attached trainer."""

    def close(self) -> None:
        """The process ends, or another training begins with this callback: threads and child processes are let go."""


EVENTS = (
    "begin",
    "step_begin",
    "before_optimizer",
    "after_optimizer",
    "step_end",
    "logged",
    "saved",
    "steer",
    "ended",
    "over",
    "close",
)
"""The methods of a part, in the order of a training."""
