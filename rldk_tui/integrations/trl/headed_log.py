"""An event log that nothing is written to before its head, from any thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from rldk_tui.events import Event, ExtractionError, RunStarted
from rldk_tui.events.writer import NOT_ENCODED, EventWriter, encode_lines
from rldk_tui.integrations.trl.border import Border
from rldk_tui.integrations.trl.values import plain_text


class HeadedLog:
    """`run_started` heads the log: until it is written nothing else is, and failures wait for it.

    Attributes:
        step: The step that is told with what goes wrong here.
        heading: The head, once it is known.
    """

    def __init__(self, path: Path, border: Border) -> None:
        self.step: int | None = None
        self.heading: RunStarted | None = None
        self._border = border
        self._writer = EventWriter(path)
        self._writing = threading.RLock()
        self._headed = False
        self._held: tuple[Event, ...] = ()
        self._waiting: list[ExtractionError] = []
        self._lost_told = 0
        self._subscribers: list[Callable[[Event], None]] = []

    def start(self, heading: RunStarted) -> None:
        """Head the log."""
        self.heading = heading
        self.step = heading.first_step
        self.write()

    def subscribe(self, hear: Callable[[Event], None]) -> None:
        """Have `hear` called with every event as it is recorded, from whatever thread; the head of the log comes first."""
        with self._writing:
            if self.heading is not None:
                hear(self.heading)
            self._subscribers.append(hear)

    def hold(self, *events: Event) -> None:
        """Write these with whatever is written next: one write costs more than all else that is done of a step."""
        with self._writing:
            self._held += events

    def write(self, *events: Event) -> None:
        """Append events; those that are lost are said at once, and written down as soon as writing works again."""
        if self._held:
            with self._writing:
                events, self._held = self._held + events, ()
        try:
            lines = encode_lines(events)  # before the lock: generations are 100 kB, and the training must not wait for them
        except NOT_ENCODED as failure:
            if len(events) > 1:  # the others are not to be lost with it
                for event in events:
                    self.write(event)
                return
            with self._writing:
                self._writer.missed(failure, len(events))
                self._tell_lost()
            return
        with self._writing:
            self._append(events, lines)

    def _append(self, events: tuple[Event, ...], lines: bytes) -> None:
        for hear in self._subscribers:
            for event in events:
                hear(event)
        if not self._head():
            self._writer.lost += len(events)
            self._say_lost()
        elif events and not self._writer.append_lines(lines, len(events)):
            self._say_lost()
        else:
            self._tell_lost()

    def _say_lost(self) -> None:
        self._border.say(f"could not write to {self._writer.path}: {self._writer.problem}")

    def _tell_lost(self) -> None:
        """Write down how many events were lost, now that writing works."""
        lost = self._writer.lost
        if lost == self._lost_told:
            return
        text = f"{lost - self._lost_told} events could not be written here: {self._writer.problem}"
        if self._writer.append(ExtractionError(time=time.time(), step=self.step, message=plain_text(text))):
            self._lost_told = lost

    def _head(self) -> bool:
        """Whether `run_started` heads the log; written here, as soon as writing works."""
        if self._headed:
            return True
        if self.heading is None or not self._writer.append(self.heading):
            return False
        self._headed = True
        waiting, self._waiting = self._waiting, []
        for failure in waiting:
            self._writer.append(failure)
        return True

    def failure(self, message: str) -> None:
        """Something of ours failed; it is an event like any other."""
        failure = ExtractionError(time=time.time(), step=self.step, message=plain_text(message))
        with self._writing:
            if self._headed:
                self._writer.append(failure)
            else:
                self._waiting.append(failure)

    def lost(self) -> str | None:
        """How many events were lost, and why; None if none was."""
        return (
            f"lost {self._writer.lost} events of this run; the last problem: {self._writer.problem}"
            if self._writer.lost
            else None
        )

    def close(self) -> None:
        """Close the file; writing again opens it again."""
        with self._writing:
            self._writer.close()
