"""Many lines of an event log at once: those that hold numbers become columns, some fifteen times as fast as one by one.

A trainer logs the same keys again and again, so a struct with just these keys is made for msgspec: it decodes such a line
strictly, and refuses every other, which is then read in the general way. Lines are taken block by block, and their numbers laid
out while they are in the processor's cache still; a block of nothing but lines of one shape is decoded in one call. Handing
such lines to polars was measured too: made flat, and with a proof that each has these keys and numbers alone, it took more CPU
time on two cores than this on one, and more still where lines are unlike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np

from rldk_tui.events.entries import Entries, entries_of, merged
from rldk_tui.events.line_shapes import REFUSED, LaidOut, Shape, shape_of
from rldk_tui.events.schema import (
    Checkpoint,
    Completions,
    ExtractionError,
    FindingReported,
    Heartbeat,
    Measured,
    Metrics,
    Phase,
    ReadProblem,
    System,
)

_MOST_SHAPES = 32
"""Sets of keys that a struct is made for; a log whose keys change more often is read in the general way."""
_FEW_KEYS = 1000
"""Keys of a line beyond which none is made."""
_TRIED = 4
"""Shapes a line is tried as, the one met last first: a training logs some keys in every row and some in every tenth."""

IN_ANY_ORDER = (Heartbeat, System, Completions, Checkpoint, ExtractionError, FindingReported, ReadProblem)
"""What says the same before and after the numbers of its time."""


@dataclass(slots=True)
class Held:
    """Lines of one shape: those of blocks before, those of this block, and where among all of them each was."""

    places: list[int] = field(default_factory=list)
    blocks: list[LaidOut] = field(default_factory=list)
    lines: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class Gathering:
    """The lines of one kind and phase since the last that kept an order; `others` were read in the general way."""

    shaped: dict[Shape, Held] = field(default_factory=dict)
    others: list[Metrics | Measured] = field(default_factory=list)
    other_places: list[int] = field(default_factory=list)

    def given(self) -> Iterator[Entries | Metrics | Measured]:
        """All of it: as columns where each step came once and in order, as single events in their order where not."""
        tables = [shape.entries(held.blocks) for shape, held in self.shaped.items()]
        events: list[Any] = self.others
        plain = [event for event in events if not _names(event)]
        order = np.argsort([*chain.from_iterable(held.places for held in self.shaped.values()), *self.other_places])
        steps = np.concatenate([*(table.steps for table in tables), np.array([event.step for event in events], np.int64)])
        if not (np.diff(steps[order]) > 0).all():
            every = [*chain.from_iterable(table.events() for table in tables), *events]
            yield from (every[place] for place in order.tolist())
            return
        if tables or plain:
            yield merged([*tables, *([entries_of(plain)] if plain else [])])
        yield from (event for event in events if _names(event))


class Gatherer:
    """Takes the lines of a log and gives out those that hold numbers as columns."""

    def __init__(self) -> None:
        self._shapes: dict[tuple[object, ...], Shape | None] = {}
        self._likely: dict[type, list[Shape]] = {Metrics: [], Measured: []}
        self._last: Shape | None = None
        self._run: Shape | None = None
        self._alike: Shape | None = None
        self._gathered: dict[Phase | None, Gathering] = {}
        self._taken = 0

    def take_block(self, chunk: bytes, begin: int, end: int) -> int:
        """Take the whole lines from `begin` up to `end`, if all have the one shape that all of the block before had.

        Returns:
            How many these are; 0 leaves them to be taken one by one.
        """
        shape, self._alike = self._alike, None
        if shape is None:
            return 0
        try:
            lines: list[Any] = shape.decode_lines(memoryview(chunk)[begin:end])
        except REFUSED:
            return 0
        if len(lines) != shape.lines_begun(chunk, begin, end):
            return 0
        if shape.phase is not None and any(line.phase is not shape.phase for line in lines):
            return 0
        self._hold(shape, lines)
        self.end_block(len(lines))
        return len(lines)

    def take_run(self, lines: list[bytes], begin: int) -> int:
        """Take lines from `begin` on for as long as they have the shape of the two before.

        Returns:
            How many these are.
        """
        shape = self._run
        if shape is None:
            return 0
        decode, phase = shape.decode, shape.phase
        found: list[Any] = []
        try:
            for index in range(begin, len(lines)):
                line: Any = decode(lines[index])
                if phase is not None and line.phase is not phase:
                    break
                found.append(line)
        except REFUSED:
            pass
        if found:
            self._hold(shape, found)
        else:
            self._run = None
        return len(found)

    def take(self, line: bytes) -> bool:
        """Take a line of a shape that is known; False leaves it to be read in the general way and given to `add`."""
        kind = _kind(line)
        for place, shape in enumerate(self._likely[kind] if kind else ()):
            try:
                decoded: Any = shape.decode(line)
            except REFUSED:
                continue
            if shape.phase is not None and decoded.phase is not shape.phase:
                continue
            self._hold(shape, [decoded])
            self._run, self._last = (shape if shape is self._last else None), shape
            if place and kind:
                self._expect(kind, shape)
            return True
        return False

    def add(self, event: Metrics | Measured) -> None:
        """Take what was read in the general way, and expect more lines like it."""
        phase = event.phase if isinstance(event, Metrics) else None
        gathering = self._of(phase)
        gathering.other_places.append(self._taken)
        gathering.others.append(event)
        self._taken += 1
        if not 0 < len(event.values) <= _FEW_KEYS or _names(event):
            return
        signature = (phase, *event.values)
        if signature not in self._shapes and len(self._shapes) < _MOST_SHAPES:
            self._shapes[signature] = shape_of(event)
        shape = self._shapes.get(signature)
        if shape is not None:
            self._expect(type(event), shape)

    def end_block(self, lines: int) -> None:
        """So many lines were taken one by one, or were not ours to take: lay them out while they are at hand."""
        for gathering in self._gathered.values():
            for shape, held in gathering.shaped.items():
                if held.lines:
                    held.blocks.append(shape.laid_out(held.lines))
                    self._alike = shape if len(held.lines) == lines else None
                    held.lines = []

    def given(self) -> Iterator[Entries | Metrics | Measured]:
        """All that was taken; then nothing is held any more."""
        self.end_block(0)
        gathered, self._gathered = self._gathered, {}
        for gathering in gathered.values():
            yield from gathering.given()

    def _of(self, phase: Phase | None) -> Gathering:
        gathering = self._gathered.get(phase)
        if gathering is None:
            gathering = self._gathered[phase] = Gathering()
        return gathering

    def _hold(self, shape: Shape, lines: list[Any]) -> None:
        shaped = self._of(shape.phase).shaped
        held = shaped.get(shape)
        if held is None:
            held = shaped[shape] = Held()
        held.places.extend(range(self._taken, self._taken + len(lines)))
        held.lines.extend(lines)
        self._taken += len(lines)

    def _expect(self, kind: type, shape: Shape) -> None:
        others = [known for known in self._likely[kind] if known is not shape]
        self._likely[kind] = [shape, *others[: _TRIED - 1]]


def _names(event: Metrics | Measured) -> bool:
    """Whether a measurement tells what it is about, for which columns have no place."""
    return isinstance(event, Measured) and bool(event.named)


def _kind(line: bytes) -> type | None:
    """The kind of a line as our writer begins it."""
    if line.startswith(b'{"type":"metrics"'):
        return Metrics
    return Measured if line.startswith(b'{"type":"measured"') else None
