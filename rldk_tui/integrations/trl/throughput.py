"""How long a step takes with everything in it, and what goes through the training in that time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from rldk_tui.integrations.trl.part import Part, Training

STEP_TIME, TOKENS, SAMPLES = "hook/step_time", "hook/tokens_per_second", "hook/samples_per_second"


class Throughput(Part):
    """Measures from the end of a step to the end of the next: optimizer, evaluation and saving are in it.

    The first step of a launch has no step before it and is not measured. Samples are counted once for each time they are
    trained on, over all processes; tokens are those the trainer counts itself, and are not measured where it counts none.
    """

    task = "measure the throughput"

    def __init__(self, interval: int = 1, clock: Callable[[], float] = time.perf_counter) -> None:
        """Rows come every `interval` steps, each with the mean of its steps."""
        self._interval = interval
        self._clock = clock
        self._samples = math.nan
        self._step = 0
        self._at = 0.0
        self._tokens = 0
        self._training: Training | None = None

    def begin(self, training: Training) -> None:
        """Only in the process that logs."""
        self.idle = not training.is_main
        if training.is_main:
            self._training = training
            self._samples = samples_per_step(training.args)

    def step_end(self, step: int) -> None:
        """One more step, measured with its forerunners once they are `interval`."""
        training = self._training
        if training is None or (self._step and step - self._step < self._interval):
            return
        now = self._clock()
        seen = getattr(training.state, "num_input_tokens_seen", 0) or 0
        if self._step and now > self._at:
            seconds, steps = now - self._at, step - self._step
            values: dict[str, float | None] = {STEP_TIME: seconds / steps}
            if self._samples > 0:
                values[SAMPLES] = self._samples * steps / seconds
            if seen > self._tokens:
                values[TOKENS] = (seen - self._tokens) / seconds
            training.recorder.measure(values)
        self._step, self._at, self._tokens = step, now, seen


def samples_per_step(args: Any) -> float:
    """Examples or replies in one optimizer step, over all processes; NaN where the arguments do not say.

    PPO takes several optimizer steps on one batch and counts them as one step.
    """
    whole = getattr(args, "batch_size", None)  # PPO: rollouts of one update, of all processes
    if isinstance(whole, int):
        return float(whole)
    parts = [getattr(args, name, None) for name in ("train_batch_size", "gradient_accumulation_steps", "world_size")]
    return math.prod(float(part) if isinstance(part, int) else math.nan for part in parts)
