"""Samples the machine from a thread of its own: the training pays nothing for it, and a step that hangs is still seen.

The same thread sees that an exception left the training loop, where the process lives on (see `loop`).
"""

from __future__ import annotations

import threading

from rldk_tui.integrations.trl.loop import told
from rldk_tui.integrations.trl.part import Part, Training


class Sampler(Part):
    """Writes a `system` event when the training begins, and one every `interval` seconds for as long as the loop runs."""

    task = "measure the machine"

    def __init__(self, interval: float) -> None:
        self._interval = max(interval, 0.05)
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, training: Training) -> None:
        """The first sample is taken here, so that a run of less than a second has one."""
        # NVML lists every GPU of a machine, so one process of it asks
        with_gpus = bool(training.state.is_local_process_zero)
        training.recorder.sample(with_gpus=with_gpus)
        arguments = (training, with_gpus)
        self._thread = threading.Thread(target=self._run, args=arguments, name="rldk-sampler", daemon=True)
        self._thread.start()

    def _run(self, training: Training, with_gpus: bool) -> None:
        while not self._over.wait(self._interval):
            if not training.loop.runs():
                # an exception may be on its way to `sys.excepthook`, which knows its text; a notebook keeps it afterwards
                if not self._over.wait(self._interval):
                    training.border.attempt(self.task, training.recorder.broke, told(training.loop.left_by()))
                return
            training.border.attempt(self.task, self._sample, training, with_gpus)

    def _sample(self, training: Training, with_gpus: bool) -> None:
        training.recorder.sample(with_gpus=with_gpus)

    def ended(self, step: int) -> None:  # noqa: ARG002
        """No more samples: what the process does after the training is not the training's."""
        self.close()

    def close(self) -> None:
        """Stop the thread."""
        self._over.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(timeout=1.0)
