"""A document: what one source says that no process signed, and how its rows compare with a launch's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from rldk_tui.events.entries import Kind
from rldk_tui.run.columns import Table
from rldk_tui.run.info import RunInfo
from rldk_tui.run.launch import Entry, Launch

_EVIDENCE = 32
"""Rows of a document that are compared with those of another before both are taken for one training."""


@dataclass(slots=True)
class Part:
    """The rows of one training in a document.

    Attributes:
        launch: Holds the rows of which the step is known.
        numbered: Those of which only the number is known.
        home: The launch the newest row was given to.
        settled: Whether no further row can change which launch that is, where nobody signed one.
    """

    launch: Launch
    numbered: Table = field(default_factory=Table)
    home: Launch | None = None
    settled: bool = False
    _placed_by_number: tuple[tuple[int, int, int], Launch] | None = None

    @property
    def length(self) -> int:
        """How many rows it has."""
        return self.launch.table.length + self.numbered.length

    def at_steps(self, stride: int) -> Launch:
        """The rows with the numbered ones at their steps."""
        if not self.numbered.length:
            return self.launch
        state = (self.launch.table.version, self.numbered.version, stride)
        if self._placed_by_number is None or self._placed_by_number[0] != state:
            whole = Launch(key=self.launch.key, process="", started_at=-math.inf, ended=self.launch.ended)
            for entry in entries_of(self.numbered, stride):
                whole.take(entry, 0)
            for entry in entries_of(self.launch.table):
                whole.take(entry, 0)
            self._placed_by_number = state, whole
        return self._placed_by_number[1]


@dataclass(slots=True)
class Document:
    """What one source says.

    Attributes:
        parts: Its trainings in order.
        info: What it tells of the run.
        ended_at: The step at which, it says, training was over.
        failure: The exception or exit it ended with.
        rewritten: Whether it is written anew each time, rather than growing.
    """

    source: str
    authority: int
    parts: list[Part]
    info: RunInfo = field(default_factory=RunInfo)
    ended_at: int | None = None
    failure: str | None = None
    rewritten: bool = False

    @property
    def length(self) -> int:
        """How many rows it has."""
        return sum(part.length for part in self.parts)

    @property
    def only_numbered(self) -> bool:
        """Whether it knows the step of no row."""
        return all(part.launch.table.length == 0 for part in self.parts)

    @property
    def home(self) -> Launch | None:
        """The launch its newest row belongs to; None if it has no rows."""
        return self.parts[-1].home

    @property
    def last_step(self) -> int:
        """The newest step it has a row of; −1 without rows."""
        return max((part.launch.table.last_step or 0 for part in self.parts if part.length), default=-1)


@dataclass(frozen=True, slots=True)
class Placed:
    """Beside whose log something stands."""

    launch: Launch
    entry: Entry
    authority: int


def entries_of(table: Table, stride: int = 1) -> Iterator[Entry]:
    """The rows of a table, one by one."""
    rows = table.rows()
    columns = [(name, rows.column(name)) for name in rows.columns]
    cells = [(name, column.values.tolist(), column.kinds.tolist()) for name, column in columns]
    for at, (step, time) in enumerate(zip(rows.steps.tolist(), rows.times.tolist(), strict=True)):
        values = {
            name: None if kinds[at] == Kind.NULL else numbers[at] for name, numbers, kinds in cells if kinds[at] != Kind.ABSENT
        }
        yield Entry(step * stride, time, values)


def compared(table: Table, launch: Launch, tolerance: float) -> tuple[bool | None, bool]:
    """Whether the rows of a part say what a launch says: most of those that can be compared, None if none can.

    And whether more rows cannot change that.
    """
    for_it = against = 0
    for entry in entries_of(table):
        agrees = launch.agrees(entry.step, entry.values, tolerance) if launch.table.has_step(entry.step) else None
        for_it += agrees is True
        against += agrees is False
        if for_it + against >= _EVIDENCE:
            break
    return None if for_it + against == 0 else for_it >= against, for_it + against >= _EVIDENCE
