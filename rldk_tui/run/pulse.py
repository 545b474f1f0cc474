"""Is the run alive? Told from event times, the process where it can be asked, and the run's own pace; not by file times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rldk_tui.events import RunState

SLOW_AFTER = 3.0
"""Multiples of the run's own usual gap between two signs of life before it is called slow."""
STALLED_AFTER = 10.0
"""And before it is called stalled; the factor of ten is the catalogue's for run-died and stalled."""
GIVEN_UP_AFTER = 100.0
"""And before a run whose process cannot be asked (another host) is taken for dead."""
BREAK = 1.5
"""Multiples of the longest gap seen lately that are always waited for: an evaluation or a save comes again."""
LEAST_PATIENCE = 30.0
"""Seconds that are never called slow: saving, evaluating and compiling take that long in the fastest runs."""
FIRST_SIGN = 600.0
"""Seconds a run may take to its second sign of life: loading, compiling, and `logging_steps` of the first logs."""
NEVER_STARTED = 24 * 3600.0
"""Seconds after which a run of which only a beginning is known is not waited for any more."""
SIGNS = 64
"""The newest signs of life that tell the pace."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the run's events say of its life.

    Attributes:
        last_event_at: Unix seconds of the last event with a clock.
        step_seconds: Median seconds a step over the last signs of life.
        sign_seconds: The usual and the longest gap between two of those signs, in seconds; a source that logs every 500
            steps gives a sign every 500 steps. None before the second sign.
        ended: The training loop said that it returned.
        failed: An exception left the training loop.
        ended_later: A document says that training ended beyond the last step heard of.
        tells_its_end: Whether the source would have said so.
        process_alive: Whether the training process runs; None if it cannot be asked (another host, no pid known).
        step: The last step heard of.
        max_steps: The step it is to reach.
    """

    last_event_at: float | None
    step_seconds: float | None
    sign_seconds: tuple[float, float] | None
    ended: bool
    failed: bool
    ended_later: bool
    tells_its_end: bool
    process_alive: bool | None
    step: int | None
    max_steps: int | None

    def state(self, now: float) -> RunState:
        """The state at `now` (Unix seconds)."""
        if self.failed:
            return RunState.DIED
        if self.ended:
            return RunState.FINISHED
        if self.last_event_at is None:
            return RunState.WAITING if self.step is None else RunState.UNKNOWN
        if self.process_alive is False:
            return self._gone(can_tell=self.tells_its_end or self.max_steps is not None)
        return self._silent(max(0.0, now - self.last_event_at))

    def _silent(self, silence: float) -> RunState:
        if self.sign_seconds is None:
            return self._beginning(silence)
        usual, longest = self.sign_seconds
        wait = BREAK * longest
        if silence <= max(LEAST_PATIENCE, SLOW_AFTER * usual):
            return RunState.LIVE
        if silence <= max(2 * LEAST_PATIENCE, STALLED_AFTER * usual, wait):
            return RunState.SLOW
        if self.process_alive or silence <= max(10 * LEAST_PATIENCE, GIVEN_UP_AFTER * usual, wait):
            return RunState.FINISHED if self._reached else RunState.STALLED
        return self._gone(can_tell=self.max_steps is not None)

    def _beginning(self, silence: float) -> RunState:
        """Not yet two signs of life: nothing tells how long is long."""
        if silence <= FIRST_SIGN:
            return RunState.LIVE
        return RunState.SLOW if self.process_alive or silence <= NEVER_STARTED else RunState.UNKNOWN

    def _gone(self, *, can_tell: bool) -> RunState:
        """It is not there any more, or has been silent far beyond its own pace: was it at its end?"""
        if self._reached or self.ended_later:
            return RunState.FINISHED
        return RunState.DIED if can_tell else RunState.UNKNOWN

    @property
    def _reached(self) -> bool:
        return self.max_steps is not None and self.step is not None and self.step >= self.max_steps


class Pace:
    """How fast the last steps of a launch came, and how often its sources spoke of them, in whatever order they were read."""

    def __init__(self) -> None:
        self._seen: dict[int, float] = {}

    def step(self, step: int, time: float) -> None:
        """A step was finished (or logged) at this time."""
        self._seen[step] = min(time, self._seen.get(step, time))
        if len(self._seen) > 4 * SIGNS:
            self._seen = dict(self._last())

    def step_seconds(self) -> float | None:
        """Median seconds a step; None before the second sign."""
        if len(self._seen) < 2:
            return None
        steps, times = np.array(self._last(), np.float64).T
        return float(np.median(np.diff(times) / np.diff(steps)))

    def sign_seconds(self) -> tuple[float, float] | None:
        """The median and the longest gap between two signs; None before the second."""
        if len(self._seen) < 2:
            return None
        gaps = np.diff(np.array(self._last(), np.float64)[:, 1])
        return float(np.median(gaps)), float(gaps.max())

    def _last(self) -> list[tuple[int, float]]:
        return sorted(self._seen.items())[-SIGNS - 1 :]
