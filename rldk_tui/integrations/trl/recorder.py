"""Writes what the callback sees as events, one log a rank. It knows the trainer's values and nothing of transformers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from rldk_tui.events import (
    SUBFOLDER,
    Checkpoint,
    Event,
    ExtractionError,
    Heartbeat,
    Measured,
    Metrics,
    Phase,
    RunEnded,
    RunStarted,
    System,
    event_log_name,
)
from rldk_tui.integrations.trl.border import Border
from rldk_tui.integrations.trl.faults import Faults
from rldk_tui.integrations.trl.headed_log import HeadedLog
from rldk_tui.integrations.trl.torch_memory import with_torch_memory
from rldk_tui.integrations.trl.values import NotANumber, numbers, phase_of, plain_text
from rldk_tui.system import sample

_COMPLETE_MARK = "trainer_state.json"
"""The Trainer writes it last, so a checkpoint that has it is whole."""
_NOT_A_NUMBER_ADVICE = "Log a single number under this name, or nothing."


class Recorder:
    """The events of one launch on one rank; any thread may record."""

    def __init__(self, run_directory: Path, rank: int, border: Border) -> None:
        self.run_directory = run_directory
        self.rank = rank
        self._border = border
        self._log = HeadedLog(run_directory / SUBFOLDER / event_log_name(rank), border)
        self._measuring = threading.Lock()
        self._over = False
        self._why: str | None = None
        self._measured: dict[str, float | None] = {}
        self._named: dict[str, tuple[str, ...]] = {}
        self._fresh: dict[str, float | None] = {}
        self.machine: System | None = None
        """The newest sample of it."""
        self.refused: tuple[NotANumber, ...] = ()
        """Of the newest row: what no number stands for."""
        self.faults = Faults(self.write, border)

    def start(self, started: RunStarted) -> None:
        """Head the log."""
        self._log.start(started)

    @property
    def run_id(self) -> str | None:
        """The run's name; None before `start`."""
        return None if self._log.heading is None else self._log.heading.run_id

    def metrics(self, step: int, logs: Mapping[str, object]) -> Metrics:
        """One call of the trainer's `log`; returns the row as it was written."""
        self._log.step = step
        phase = phase_of(logs)
        values, refused = numbers(logs, phase)
        self.refused = refused
        self.faults.row(phase, logs)
        row = Metrics(time=time.time(), step=step, phase=phase, values=values)
        self.write(row)
        for item in refused:
            self._refuse(step, phase, item)
        return row

    def heartbeat(self, step: int, *, log_follows: bool = False) -> None:
        """An optimizer step ended; what was measured in it is written with it.

        Args:
            step: The step.
            log_follows: Whether the trainer is about to log this step: then both are one write.
        """
        self._log.step = step
        events: tuple[Event, ...] = (Heartbeat(time=time.time(), step=step), *self._taken(step))
        (self._log.hold if log_follows else self._log.write)(*events)

    def measure(self, values: Mapping[str, float | None], named: Mapping[str, tuple[str, ...]] | None = None) -> None:
        """Something was measured in this step; it is written at the step's end, or by `flush`.

        Args:
            values: By catalogue names below `hook/`.
            named: What a value is about; see `events.Measured`.
        """
        with self._measuring:
            self._measured.update(values)
            self._fresh.update(values)
            self._named.update(named or {})

    def fresh(self) -> dict[str, float | None]:
        """What was measured since this was asked last, by name; the caller's to keep. One part asks."""
        if not self._fresh:
            return {}
        with self._measuring:
            fresh, self._fresh = self._fresh, {}
        return fresh

    def flush(self, step: int) -> None:
        """Write now what was measured."""
        self.write(*self._taken(step))

    def _taken(self, step: int) -> tuple[Measured, ...]:
        if not self._measured:
            return ()
        with self._measuring:
            values, self._measured = self._measured, {}
            named, self._named = self._named, {}
        return (Measured(time=time.time(), step=step, values=values, named=named),)

    def subscribe(self, hear: Callable[[Event], None]) -> None:
        """Have `hear` called with every event as it is recorded, from whatever thread; `run_started` comes first."""
        self._log.subscribe(hear)

    def write(self, *events: Event) -> None:
        """Any other event, such as generations."""
        self._log.write(*events)

    def sample(self, *, with_gpus: bool) -> None:
        """Measure the machine now."""
        measured = sample(self._log.step, self.rank, self._existing_folder(), with_gpus=with_gpus)
        self.machine = self._border.attempt("ask torch for its memory", with_torch_memory, measured) or measured
        self.write(self.machine)

    def checkpoint(self, step: int, folder: Path) -> None:
        """The trainer says it saved a checkpoint here."""
        found = folder.is_dir()
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) if found else None
        complete = (folder / _COMPLETE_MARK).is_file()
        self.write(Checkpoint(time=time.time(), step=step, path=self._told(folder), complete=complete, size=size))

    def ends_because(self, reason: str) -> None:
        """The trainer was asked to stop; should it do so before its time, this is why."""
        self._why = plain_text(reason)

    def end(self, step: int, max_steps: int) -> None:
        """The training loop returned; the log stays open to what comes after it, such as a last evaluation."""
        self._over = True
        reason = self._why or "stopped early" if 0 < step < max_steps else "finished"
        self.write(RunEnded(time=time.time(), step=step, reason=reason))
        lost = self._log.lost()
        if lost is not None:
            self._border.say(lost)

    def broke(self, reason: str) -> None:
        """An exception left the training loop; told once, and not of a loop that returned."""
        with self._measuring:
            over, self._over = self._over, True
        if not over:
            self.write(RunEnded(time=time.time(), step=self._log.step, reason=plain_text(reason), failed=True))

    def failure(self, message: str) -> None:
        """Something of ours failed; it is an event like any other."""
        self._log.failure(message)

    def close(self) -> None:
        """Close the file; writing again opens it again."""
        self._log.close()

    def _refuse(self, step: int, phase: Phase, item: NotANumber) -> None:
        """Tell that a logged value was left out."""
        self.faults.tell(
            ExtractionError(
                time=time.time(),
                step=step,
                phase=phase,
                metric=plain_text(item.metric),
                message=plain_text(f"{item.metric} is no number and is left out: {item.reason}"),
                value=item.value,
                advice=_NOT_A_NUMBER_ADVICE,
            ),
            "no number",
        )

    def _existing_folder(self) -> Path:
        """The run directory, or the nearest folder above it that exists: they lie on the same disk."""
        folder = self.run_directory.absolute()
        return next((place for place in (folder, *folder.parents) if place.is_dir()), folder)

    def _told(self, folder: Path) -> str:
        here, there = self.run_directory.absolute(), folder.absolute()
        return plain_text(str(there.relative_to(here) if there.is_relative_to(here) else there))
