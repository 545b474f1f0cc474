"""Has every checkpoint analysed out of the training process: here a line is written to a pipe, and that is all.

The child at the other end of the pipe keeps the queue (`checkpoint_queue`). It outlives the training, because the last
checkpoint is the one that matters most, and ends when its queue is empty.
"""

from __future__ import annotations

import json
from pathlib import Path

from rldk_tui.integrations.trl.child import Child, python, rldk
from rldk_tui.integrations.trl.part import Part, Training

_THREADS = 2
_QUEUE = "from rldk_tui.integrations.trl.checkpoint_queue import main; sys.exit(main(sys.argv[1:]))"


class CheckpointAnalysis(Part):
    """Hands each checkpoint that was saved to the queue; the result comes back into the run's log as a `measured` event.

    Args:
        command: What analyses one checkpoint, whose folder is appended; by default `rldk checkpoints`.
    """

    task = "have a checkpoint analysed"

    def __init__(self, command: list[str] | None = None) -> None:
        self._command = command
        self._training: Training | None = None
        self._child: Child | None = None
        self._over = False

    def begin(self, training: Training) -> None:
        """Nothing is started before there is a checkpoint."""
        self._training = training

    def saved(self, step: int, folder: Path) -> None:
        """Queue it, in a queue that is started now if there is none."""
        training = self._training
        if training is None:
            return
        if self._child is not None and self._child.status is not None:
            training.border.say(f"the analysis of checkpoints ended and is started anew: {self._child.last_words()}")
            self._child = None
        if self._child is None:
            self._child = Child(self._queue(training.run_directory), threads=_THREADS, reads=False)
        line = json.dumps({"step": step, "folder": str(folder.absolute())}).encode() + b"\n"
        if not self._child.send(line):
            training.border.say(f"the analysis of checkpoints is too far behind to take the one of step {step}")
        if self._over:  # PPO saves once more after its end
            self.close()

    def _queue(self, run: Path) -> list[str]:
        command = self._command or rldk("checkpoints", "--threads", str(_THREADS), "--record", str(run))
        return python(_QUEUE, str(run), *command)

    def ended(self, step: int) -> None:  # noqa: ARG002
        """The last checkpoint is queued, of most trainers."""
        self._over = True
        self.close()

    def close(self) -> None:
        """Let the child finish by itself: a large checkpoint takes minutes, and the training is not to wait for it."""
        child, self._child = self._child, None
        if child is not None:
            child.finish()
