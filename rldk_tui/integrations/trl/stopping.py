"""Asks the trainer to save a checkpoint and to stop: because somebody outside asked for it, or because of a finding.

The request file is looked for at most once a second, in the process that logs. Several processes must leave the loop at the
same step, or the others wait in it for ever; so the one that logs announces the step in torch's own store, which all of them
share, and each looks there at every step. A process cannot get beyond the next step without the one that announces, because
its gradients are awaited, so the next step is one that all of them will see announced.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import msgspec

from rldk_tui.events import Algorithm
from rldk_tui.events.stop_request import waiting_stop_request, withdraw_stop_request
from rldk_tui.integrations.trl.part import Part, Training

_LOOK_EVERY = 1.0
"""Seconds between two looks for the file."""
_KEY = "rldk/stop-at"
_CANNOT_STOP = frozenset({Algorithm.PPO})
"""Trainers whose loop never reads `should_training_stop` (TRL's PPO, up to its last version)."""
CANNOT_STOP = "PPO's trainer ignores a callback that asks it to stop"


class Stopping(Part):
    """The one part that steers."""

    task = "stop the training as it was asked"

    def __init__(self) -> None:
        self._training: Training | None = None
        self._next_look = 0.0
        self._step = 0
        self._reason: str | None = None
        self._stop_at: int | None = None
        self._store: Any = None
        self._several = False

    def begin(self, training: Training) -> None:
        """A request that lies here already was meant for an earlier launch."""
        self._training = training
        self._several = int(getattr(training.args, "world_size", 1) or 1) > 1
        self._store = _shared_store() if self._several else None
        if training.is_main:
            try:
                withdraw_stop_request(training.run_directory)
            except OSError as failure:
                training.border.say(f"could not remove a stop request of an earlier launch, which counts again now: {failure}")
            if self._store is not None:
                self._store.delete_key(_KEY)  # of an earlier training in these processes

    def ask(self, reason: str) -> None:
        """Have the training stop at the end of this step, or of the next where there are several processes.

        Args:
            reason: What the end of the run is to give as its reason.
        """
        if self._reason is None:
            self._reason = reason

    def step_end(self, step: int) -> None:
        """Look for a request, and for what the process that logs announced."""
        self._step = step
        training = self._training
        if training is None:
            return
        if not training.is_main:
            if self._store is not None and self._stop_at is None and self._store.check([_KEY]):
                self._stop_at = int(self._store.get(_KEY))
            return
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + _LOOK_EVERY
            self._look(training)

    def _look(self, training: Training) -> None:
        try:
            request = waiting_stop_request(training.run_directory)
        except (OSError, msgspec.MsgspecError) as failure:
            training.border.say(f"could not read a stop request: {failure}")
            return
        if request is None:
            return
        self.ask(request.sentence)
        withdraw_stop_request(training.run_directory)

    def steer(self, control: Any) -> None:
        """Save, then stop: both happen between this step and the next."""
        training = self._training
        if training is None or (self._reason is None and self._stop_at is None):
            return
        if self._stop_at is None:
            self._stop_at = self._announced(training)
        if self._stop_at is None or self._step < self._stop_at:
            return
        control.should_save = True
        control.should_training_stop = True
        self._training = None  # asked once: a trainer that goes on all the same is not asked at every step
        if self._reason is not None:
            training.recorder.ends_because(self._reason)
            if training.algorithm in _CANNOT_STOP:
                training.border.say(f"a checkpoint was asked for; {CANNOT_STOP}, so the training goes on ({self._reason})")

    def _announced(self, training: Training) -> int | None:
        """The step at which all processes stop; None if they cannot agree on one."""
        if not self._several:
            return self._step
        if self._store is None:
            training.border.say(f"several processes train and share no store, so they cannot stop together ({self._reason})")
            self._training = None
            return None
        self._store.set(_KEY, str(self._step + 1))
        return self._step + 1


def _shared_store() -> Any:
    """The store that torch's processes met at, under a name of this launch; None where there is none."""
    torch = sys.modules.get("torch")
    distributed = getattr(torch, "distributed", None)
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return None
    find = getattr(getattr(distributed, "distributed_c10d", None), "_get_default_store", None)
    return None if find is None else find()
