"""Writes generations from a thread of its own, within a budget of disk: the training thread only hands over references."""

from __future__ import annotations

import atexit
import math
import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from rldk_tui.events import SUBFOLDER, Completions, event_log_name
from rldk_tui.events.wire import encode_line
from rldk_tui.integrations.trl.completion_rows import Batch, Bounds, completions_of, marks
from rldk_tui.integrations.trl.part import Training

_WAITING = 16
"""Batches that may wait to be written; what a killed process loses at most."""
_PAUSE = 0.02
"""Seconds from one look at what waits to the next. To wake the thread instead would cost the training thread its turn on a
busy machine: on two cores shared by ten processes it took milliseconds."""
_LAST_WORDS = 20.0
"""Seconds the end of the training waits for what is still to be written."""
_NEW = 0.2
"""How far a smaller event moves what one is expected to take; a larger one is expected again at once, so that the last fits."""
_LONGEST = 1e9
"""Steps from one recorded step to the next at most."""
_MARKED = b'{"type":"completions"'


class Budget:
    """How often generations can be recorded so that they last to the end of the training. Bytes throughout."""

    def __init__(self, most: int, used: int = 0) -> None:
        self.most = most
        self.used = used
        self._expected = 0.0

    def spend(self, size: int) -> None:
        """An event of this size was written."""
        self.used += size
        self._expected = max(size, self._expected + _NEW * (size - self._expected))

    def fits(self, size: int) -> bool:
        """Whether there is room for one more event of this size."""
        return self.used + size <= self.most

    def stride(self, steps_left: int | None, asked: int = 1) -> int:
        """Steps from one recorded step to the next, so that what is left is spread over the steps that are left.

        What was asked for is doubled until it is long enough: then the steps that are due lie evenly, and none of them comes
        right after another when it grows. Where nobody knows how many steps are left, half of what is left is spread over the
        next thousand.
        """
        left = max(self.most - self.used, 1)
        wanted = self._expected * max(steps_left, 1) / left if steps_left is not None else self._expected * 2000 / left
        doublings = math.ceil(math.log2(max(min(wanted, _LONGEST) / asked, 1.0)))
        return asked << doublings


class CompletionLog:
    """Takes batches from the training thread and never lets it wait: what cannot be written in time is dropped and counted.

    Attributes:
        every: Steps from one recorded step to the next at present; it grows where the disk budget asks for it.
    """

    def __init__(self, training: Training, bounds: Bounds, *, every: int, most_bytes: int, with_text: bool) -> None:
        self.every = self._asked = max(1, every)
        self._training = training
        self._bounds = bounds
        self._most_bytes = most_bytes
        self._mark: Callable[[str], str] | None = None if with_text else marks(os.urandom(16))
        self._batches: deque[Callable[[], Batch]] = deque()
        self._over = threading.Event()
        self._dropped = self._too_large = 0
        self._thread = threading.Thread(target=self._run, name="rldk-generations", daemon=True)
        self._thread.start()
        atexit.register(self.close)  # a script that ends by an exception still writes what waits

    def offer(self, batch: Callable[[], Batch]) -> None:
        """Have this batch written soon; `batch` is called in the other thread."""
        if len(self._batches) < _WAITING:
            self._batches.append(batch)
            return
        self._dropped += 1
        self._training.border.say("left out generations: they came faster than they could be written; the end tells how many")

    def close(self) -> None:
        """Write what waits, and let the thread go."""
        atexit.unregister(self.close)
        thread, self._thread = self._thread, None  # type: ignore[assignment]
        if thread is None:
            return
        self._over.set()
        thread.join(timeout=_LAST_WORDS)
        if thread.is_alive():
            self._dropped += len(self._batches)
        lost = self._dropped + self._too_large
        if lost:
            self._training.border.say(
                f"left out the generations of {lost} batches in all: "
                f"{self._dropped} came too fast, {self._too_large} did not fit"
            )

    def _run(self) -> None:
        attempt = self._training.border.attempt
        budget = attempt("count the generations on disk", self._begun) or Budget(self._most_bytes)
        over = False
        while not over:
            over = self._over.wait(_PAUSE)
            while self._batches:
                attempt("record generations", self._write, self._batches[0], budget)
                self._batches.popleft()  # only now: what is being written still takes a place

    def _begun(self) -> Budget:
        """What earlier launches of this run wrote counts too."""
        recorder = self._training.recorder
        log = recorder.run_directory / SUBFOLDER / event_log_name(recorder.rank)
        return Budget(self._most_bytes, _recorded_bytes(log))

    def _write(self, make: Callable[[], Batch], budget: Budget) -> None:
        event = completions_of(make(), self._bounds, self._mark)
        size = len(encode_line(event))
        if budget.fits(size):
            self._training.recorder.write(event)
            budget.spend(size)
        else:
            self._too_large += 1
        self._thin_out(event, budget)

    def _thin_out(self, event: Completions, budget: Budget) -> None:
        last = self._training.state.max_steps
        every = budget.stride(last - event.step if last and last > 0 else None, self._asked)
        self.every = every
        if every > self._asked:
            self._training.border.say(
                f"keeps the generations of every {every}th step from step {event.step} on: "
                f"of every {self._asked} they would not fit into {budget.most / 1e6:.0f} MB (completions_megabytes)"
            )


def _recorded_bytes(log: Path) -> int:
    """Bytes of the generations in an event log; 0 where there is none."""
    try:
        with log.open("rb") as lines:
            return sum(len(line) for line in lines if line.startswith(_MARKED))
    except FileNotFoundError:
        return 0
