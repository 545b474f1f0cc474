"""Is the run alive? Told from event times, the process where it can be asked, and the run's own pace; not by file times."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from rldk_tui.events import RunState

SLOW_AFTER = 3.0
"""Multiples of the run's own median step time without a sign of life before it is called slow."""
STALLED_AFTER = 10.0
"""And before it is called stalled; the factor of ten is the catalogue's for run-died and stalled."""
GIVEN_UP_AFTER = 100.0
"""And before a run whose process cannot be asked (another host) is taken for dead."""
LEAST_PATIENCE = 30.0
"""Seconds that are never called slow: saving, evaluating and compiling take that long in the fastest runs."""
_WINDOW = 64


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the run's events say of its life.

    Attributes:
        last_event_at: Unix seconds of the last event with a clock.
        step_seconds: Median seconds a step over the last steps heard of.
        ended: The training loop said that it returned.
        process_alive: Whether the training process runs; None if it cannot be asked (another host, no pid known).
        step: The last step heard of.
        max_steps: The step it is to reach.
    """

    last_event_at: float | None
    step_seconds: float | None
    ended: bool
    process_alive: bool | None
    step: int | None
    max_steps: int | None

    def state(self, now: float) -> RunState:
        """The state at `now` (Unix seconds)."""
        if self.ended:
            return RunState.FINISHED
        if self.last_event_at is None:
            return RunState.WAITING if self.step is None else RunState.UNKNOWN
        if self.process_alive is False:
            return RunState.DIED
        silence = now - self.last_event_at
        pace = self.step_seconds or 0.0
        if silence <= max(LEAST_PATIENCE, SLOW_AFTER * pace):
            return RunState.LIVE
        if silence <= max(2 * LEAST_PATIENCE, STALLED_AFTER * pace):
            return RunState.SLOW
        if self.process_alive or silence <= max(10 * LEAST_PATIENCE, GIVEN_UP_AFTER * pace):
            return RunState.STALLED
        return self._given_up()

    def _given_up(self) -> RunState:
        """Silent far beyond its own pace, and the process cannot be asked."""
        short = self.max_steps is not None and self.step is not None and self.step < self.max_steps
        return RunState.DIED if short else RunState.UNKNOWN


class Pace:
    """The median time a step of the last steps heard of, whatever source told of them."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, float]] = deque(maxlen=_WINDOW + 1)

    def step(self, step: int, time: float) -> None:
        """A step was finished (or logged) at this time."""
        if self._seen and step <= self._seen[-1][0]:
            if step < self._seen[-1][0]:
                self._seen.clear()
            else:
                return
        self._seen.append((step, time))

    def seconds(self) -> float | None:
        """Median seconds a step; None before the second step."""
        if len(self._seen) < 2:
            return None
        steps, times = (np.array(column, dtype=np.float64) for column in zip(*self._seen, strict=True))
        return float(np.median(np.diff(times) / np.diff(steps)))
