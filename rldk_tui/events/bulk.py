"""Many lines of an event log at once: those that hold numbers become columns, some ten times as fast as one by one.

A trainer logs the same keys again and again, so a struct with just these keys is made for msgspec: it decodes such a line
strictly, and refuses every other, which is then read in the general way. On 200,000 rows of 40 numbers this and laying them
into the run's table take 1.7 s of CPU time on one core, polars' `read_ndjson` with a schema 1.6 s on two cores, so half the
time there. Handing such lines to polars was measured too: made flat, and with a proof that each has these keys and numbers
alone, it took 2.3 s of CPU time, and more where lines are unlike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import astuple

from rldk_tui.events.entries import Entries, all_finite, entries_of, merged
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
    Step,
    System,
    Time,
)

_MOST_SHAPES = 32
"""Sets of keys that a struct is made for; a log whose keys change more often is read in the general way."""
_FEW_KEYS = 1000
"""Keys of a line beyond which none is made."""
_TRIED = 4
"""Shapes a line is tried as, the one met last first: a training logs some keys in every row and some in every tenth."""

IN_ANY_ORDER = (Heartbeat, System, Completions, Checkpoint, ExtractionError, FindingReported, ReadProblem)
"""What says the same before and after the numbers of its time."""


class Shape:
    """Lines of one kind, phase and set of keys."""

    def __init__(self, example: Metrics | Measured) -> None:
        keys = list(example.values)
        self.phase = example.phase if isinstance(example, Metrics) else None
        self.keys = keys
        names = [f"v{index}" for index in range(len(keys))]
        values = msgspec.defstruct(
            "Values",
            [(name, float) for name in names],
            rename=dict(zip(names, keys, strict=True)),
            forbid_unknown_fields=True,
            gc=False,
        )
        head: list[Any] = [("time", Time), ("step", Step)]
        if self.phase is Phase.TRAIN:
            head.append(("phase", Phase, Phase.TRAIN))
        elif self.phase is not None:
            head.append(("phase", Phase))
        line = msgspec.defstruct(
            "Line",
            [*head, ("values", values)],
            kw_only=True,
            forbid_unknown_fields=True,
            tag_field="type",
            tag="measured" if self.phase is None else "metrics",
            gc=False,
        )
        self.decode = msgspec.json.Decoder(line).decode

    def entries(self, lines: list[Any]) -> Entries:
        """The lines as columns."""
        width = len(self.keys)
        numbers = np.fromiter(chain.from_iterable(astuple(line.values) for line in lines), np.float64, count=width * len(lines))
        by_key = np.ascontiguousarray(numbers.reshape(len(lines), width).T)
        return Entries(
            phase=self.phase,
            steps=np.fromiter((line.step for line in lines), np.int64, count=len(lines)),
            times=np.fromiter((line.time for line in lines), np.float64, count=len(lines)),
            columns={key: all_finite(by_key[index]) for index, key in enumerate(self.keys)},
        )

    def event(self, line: Any) -> Metrics | Measured:
        """One line as an event."""
        numbers = astuple(line.values)
        values = dict(zip(self.keys, numbers, strict=True))
        if self.phase is None:
            return Measured(time=line.time, step=line.step, values=values)
        return Metrics(time=line.time, step=line.step, phase=self.phase, values=values)


@dataclass(slots=True)
class Held:
    """Lines of one shape or event by event, and where among all of them each was."""

    places: list[int] = field(default_factory=list)
    lines: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class Gathering:
    """The lines of one kind and phase since the last that kept an order; `others` were read in the general way, as events."""

    shaped: dict[Shape, Held] = field(default_factory=dict)
    others: Held = field(default_factory=Held)

    def given(self) -> Iterator[Entries | Metrics | Measured]:
        """All of it: as columns where each step came once and in order, as single events in their order where not."""
        tables = [shape.entries(held.lines) for shape, held in self.shaped.items()]
        events: list[Any] = self.others.lines
        plain = [event for event in events if not _names(event)]
        order = np.argsort([*chain.from_iterable(held.places for held in self.shaped.values()), *self.others.places])
        steps = np.concatenate([*(table.steps for table in tables), np.array([event.step for event in events], np.int64)])
        if not (np.diff(steps[order]) > 0).all():
            every = [*chain.from_iterable(map(shape.event, held.lines) for shape, held in self.shaped.items()), *events]
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
        self._gathered: dict[Phase | None, Gathering] = {}
        self._taken = 0

    def take(self, line: bytes) -> bool:
        """Take a line of a shape that is known; False leaves it to be read in the general way and given to `add`."""
        kind = _kind(line)
        for place, shape in enumerate(self._likely[kind] if kind else ()):
            try:
                decoded: Any = shape.decode(line)
            except msgspec.MsgspecError:
                continue
            if shape.phase is not None and decoded.phase is not shape.phase:
                continue
            gathering = self._of(shape.phase)
            held = gathering.shaped.get(shape)
            if held is None:
                held = gathering.shaped[shape] = Held()
            held.places.append(self._taken)
            held.lines.append(decoded)
            self._taken += 1
            if place and kind:
                self._expect(kind, shape)
            return True
        return False

    def add(self, event: Metrics | Measured) -> None:
        """Take what was read in the general way, and expect more lines like it."""
        phase = event.phase if isinstance(event, Metrics) else None
        others = self._of(phase).others
        others.places.append(self._taken)
        others.lines.append(event)
        self._taken += 1
        if not 0 < len(event.values) <= _FEW_KEYS or _names(event):
            return
        signature = (phase, *event.values)
        if signature not in self._shapes and len(self._shapes) < _MOST_SHAPES:
            self._shapes[signature] = _shape_of(event)
        shape = self._shapes.get(signature)
        if shape is not None:
            self._expect(type(event), shape)

    def given(self) -> Iterator[Entries | Metrics | Measured]:
        """All that was taken; then nothing is held any more."""
        gathered, self._gathered = self._gathered, {}
        for gathering in gathered.values():
            yield from gathering.given()

    def _of(self, phase: Phase | None) -> Gathering:
        gathering = self._gathered.get(phase)
        if gathering is None:
            gathering = self._gathered[phase] = Gathering()
        return gathering

    def _expect(self, kind: type, shape: Shape) -> None:
        others = [known for known in self._likely[kind] if known is not shape]
        self._likely[kind] = [shape, *others[: _TRIED - 1]]


def _shape_of(event: Metrics | Measured) -> Shape | None:
    try:
        return Shape(event)
    except ValueError:  # msgspec takes no key with a quote or a control character in it
        return None


def _names(event: Metrics | Measured) -> bool:
    """Whether a measurement tells what it is about, for which columns have no place."""
    return isinstance(event, Measured) and bool(event.named)


def _kind(line: bytes) -> type | None:
    """The kind of a line as our writer begins it."""
    if line.startswith(b'{"type":"metrics"'):
        return Metrics
    return Measured if line.startswith(b'{"type":"measured"') else None
