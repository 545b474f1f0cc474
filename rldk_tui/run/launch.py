"""One launch of a run: the rows one training process logged, and what it said of itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from rldk_tui.events import Measured, Metrics, Phase, System
from rldk_tui.events.entries import Entries
from rldk_tui.metrics import canonical
from rldk_tui.run.columns import Table
from rldk_tui.run.info import RunInfo
from rldk_tui.run.pulse import SIGNS, Pace

_FINAL = f"{Phase.FINAL.value}/"
SAME_NUMBER = 1e-4
"""Relative difference up to which two sources mean the same number: TensorBoard keeps 32 bits, some logs four digits."""
ROUNDED = 6e-4
"""The same for numbers that were printed with four digits, or four decimals."""


def named(event: Metrics) -> dict[str, float | None]:
    """The event's values by canonical name, `eval/` and `final/` in front of those phases."""
    prefix = _prefix(event.phase)
    return {prefix + canonical(key): value for key, value in event.values.items()}


def _prefix(phase: Phase) -> str:
    return "" if phase is Phase.TRAIN else f"{phase.value}/"


def machine(event: System) -> dict[str, float | None]:
    """A machine sample by canonical name; only what was measured."""
    gpus = event.gpus
    values = {
        "system/process_rss": event.process_rss,
        "system/host_memory_used": event.host_memory_used,
        "system/host_memory_total": event.host_memory_total,
        "system/torch_reserved": event.torch_reserved,
        "system/gpu_memory_used": _total([gpu.memory_used for gpu in gpus]),
        "system/gpu_memory_total": _total([gpu.memory_total for gpu in gpus]),
        "system/gpu_utilization": _mean([gpu.utilization_percent for gpu in gpus]),
        "system/disk_free": event.disk_free,
    }
    return {name: float(value) for name, value in values.items() if value is not None}


def _total(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


@dataclass(frozen=True, slots=True)
class Entry:
    """What a source says of one step.

    Attributes:
        values: By canonical name, with the phase in front.
        named: What a measurement is about, by metric.
    """

    step: int
    time: float
    values: Mapping[str, float | None]
    named: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class Launch:
    """What is known of one launch.

    Attributes:
        key: Tells it from the others: `host:pid`, counted where one process trained more than once.
        process: `host:pid`.
        started_at: Unix seconds; −inf for rows of which no launch is recorded.
        authority: Of the most trusted source that told of its start.
        step: The last step its own log told of.
        ended_later: Whether a document that repeats it says that training ended beyond that step.
        ended: Why the training loop returned, and at which step.
        failure: The exception that left the loop, as its log tells it, and at which step.
        writer: The source whose rows came first.
        others: Metrics that other writers of the process began, by writer and name.
        named: What measurements name, by metric and step.
        unsigned: Steps whose row holds only what no process signed (a document's entry ahead of the log, a measurement).
        pace: How fast its steps came.
    """

    key: str
    process: str
    started_at: float
    info: RunInfo = field(default_factory=RunInfo)
    authority: int = 0
    table: Table = field(default_factory=Table)
    step: int | None = None
    ended: tuple[str, int] | None = None
    failure: tuple[str, int] | None = None
    ended_later: bool = False
    writer: str | None = None
    others: set[tuple[str, str]] = field(default_factory=set)
    named: dict[str, dict[int, tuple[str, ...]]] = field(default_factory=dict)
    unsigned: set[int] = field(default_factory=set)
    pace: Pace = field(default_factory=Pace)

    def put(self, event: Metrics, authority: int) -> None:
        """Take in one entry of its log."""
        self.unsigned.discard(event.step)
        self.table.put(event.step, event.time, named(event), authority)
        if event.phase is Phase.FINAL:
            self.end("finished", event.step)
        self.reached(event.step)

    def takes_many(self, entries: Entries, source: str, authority: int) -> bool:
        """Whether `put_many` does with them what `put` and `measure` do one by one.

        Not for another writer than the first, whose entries may be those of a second training, nor for the last words of a
        training, nor where two keys of an entry mean one metric.
        """
        if entries.phase is None:
            return True
        if entries.phase is Phase.FINAL or (authority >= self.authority and self.writer not in (None, source)):
            return False
        return len({canonical(key) for key in entries.columns}) == len(entries.columns)

    def put_many(self, entries: Entries, source: str, authority: int) -> None:
        """Take in many entries of its log, or many measurements beside it."""
        if entries.phase is None:
            self.table.put_many(entries.steps, entries.times, entries.columns, authority)
            return
        if authority >= self.authority:
            self.writer = self.writer or source
        prefix = _prefix(entries.phase)
        columns = {prefix + canonical(key): cells for key, cells in entries.columns.items()}
        self.unsigned.difference_update(entries.steps.tolist())
        self.table.put_many(entries.steps, entries.times, columns, authority)
        self.reached(int(entries.steps[-1]))
        for step, time in zip(entries.steps[-SIGNS - 1 :].tolist(), entries.times[-SIGNS - 1 :].tolist(), strict=True):
            if math.isfinite(time):
                self.pace.step(step, time)

    def measure(self, event: Measured, authority: int) -> None:
        """Take in what was measured beside the log: it says nothing of how far the launch got."""
        self.table.put(event.step, event.time, event.values, authority)
        for name, about in event.named.items():
            self.named.setdefault(name, {})[event.step] = about

    def take(self, entry: Entry, authority: int) -> None:
        """Take in a row of a log that nobody signed."""
        self.table.put(entry.step, entry.time, entry.values, authority)
        if any(name.startswith(_FINAL) for name in entry.values):
            self.end("finished", entry.step)
        self.reached(entry.step)
        if math.isfinite(entry.time):
            self.pace.step(entry.step, entry.time)

    def stand_beside(self, entry: Entry, authority: int) -> None:
        """Take in what no process signed: it says nothing of how far the launch got."""
        if not self.logged(entry.step):
            self.unsigned.add(entry.step)
        self.table.put(entry.step, entry.time, entry.values, authority)
        for name, about in entry.named.items():
            self.named.setdefault(name, {})[entry.step] = about

    def withdraw(self, entry: Entry, authority: int) -> None:
        """Take back what another launch turned out to have logged."""
        self.table.withdraw(entry.step, entry.values, authority)
        for name in entry.named:
            self.named.get(name, {}).pop(entry.step, None)
        if not self.table.has_step(entry.step):
            self.unsigned.discard(entry.step)

    def logged(self, step: int) -> bool:
        """Whether its own process told of this step."""
        return step not in self.unsigned and self.table.has_step(step)

    def reached(self, step: int) -> None:
        """A step was heard of."""
        self.step = step if self.step is None else max(self.step, step)

    def end(self, reason: str, step: int | None) -> None:
        """The training loop returned."""
        self.ended = (reason, step if step is not None else self.step or 0)

    def fail(self, reason: str, step: int | None) -> None:
        """An exception left the training loop."""
        self.failure = (reason, step if step is not None else self.step or 0)

    @property
    def broken(self) -> str | None:
        """The exception that left the loop; None while it runs, or runs again beyond that step."""
        return self.failure[0] if self.failure is not None and self.failure[1] >= (self.step or 0) else None

    @property
    def over(self) -> str | None:
        """Why the loop returned; None while it runs, or runs again beyond the end it told of."""
        return self.ended[0] if self.ended is not None and self.ended[1] >= (self.step or 0) else None

    def logged_again(self, event: Metrics, source: str) -> bool:
        """Whether this source logs, at a step that was logged, a metric that another writer of the process began.

        A second writer of one process (a user's own, hyperparameters) logs metrics of its own; a second training in it
        logs the same metrics from an early step again.
        """
        self.writer = self.writer or source
        if source == self.writer:
            return False
        for name in named(event):
            if not self.table.has_metric(name):
                self.others.add((source, name))
            if (source, name) not in self.others and self.table.has(name, event.step):
                return True
        return False

    def agrees(self, step: int, values: Mapping[str, float | None], tolerance: float = SAME_NUMBER) -> bool | None:
        """Whether these are the numbers this launch logged at this step; None if they have no number in common.

        Args:
            step: The step.
            values: By canonical name.
            tolerance: Relative difference up to which two numbers are the same, and a tenth of it absolute where they are
                rounded (SAME_NUMBER is of numbers that are not).
        """
        common = 0
        nearly = 1e-12 if tolerance <= SAME_NUMBER else tolerance / 10
        for name, value in values.items():
            mine = self.table.finite(name, step)
            if mine is None or value is None or not math.isfinite(value):
                continue
            if abs(mine - value) > tolerance * max(abs(mine), abs(value)) + nearly:
                return False
            common += 1
        return True if common else None


def launch_of_step(launches: list[Launch], step: int, values: Mapping[str, float | None]) -> Launch | None:
    """The launch that logged this entry, as far as the numbers tell: the newest that agrees with it.

    A row of which nothing is in common with a launch (all its values are None) goes to the newest that logged its step
    and does not contradict.
    """
    possible = None
    for launch in reversed(launches):
        if not launch.logged(step):
            continue
        agrees = launch.agrees(step, values)
        if agrees:
            return launch
        if agrees is None and possible is None:
            possible = launch
    return possible
