"""Many rows of the same keys at once: JSON objects of numbers become columns, several times as fast as one by one.

A training logs the same keys again and again, so a struct with just these keys is made for msgspec, which decodes such a line
strictly and refuses every other; that is read in the general way. On 100,000 rows of 40 numbers this takes a fifth of the CPU
time of one event a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import astuple
from numpy.typing import NDArray

from rldk_tui.events import LAST_STEP, Json, Phase
from rldk_tui.events.entries import Cells, Entries, Kind, all_finite, merged
from rldk_tui.events.line_shapes import REFUSED, numbers_under
from rldk_tui.readers import Read
from rldk_tui.readers._numbers import unix_times
from rldk_tui.readers._rows import Rows

_MOST_SHAPES = 32
"""Sets of keys that a struct is made for; a log whose keys change more often is read in the general way."""
_MOST_KEYS = 1000
"""Keys of a row beyond which none is made."""
_TRIED = 4
"""Shapes a line is tried as, the one met last first: a training logs some keys in every row and some in every tenth."""
_MARKS = {b"-Infinity": b"-1.7976931348621e308", b"Infinity": b"1.7976931348621e308", b"NaN": b"1.7976931348622e308"}
"""What stands for the tokens that JSON does not know while a line is decoded: numbers that no log holds."""
_LARGEST = 1.797e308
_MEANT = {float(mark): float(token.replace(b"Infinity", b"inf")) for token, mark in _MARKS.items()}
_FEW = 16
"""Rows below which columns do not pay."""


class Layout:
    """Where rows of these keys have what.

    Attributes:
        step: Which key is the step.
        columns: Which keys are metrics, of which phase, and their names.
        facts: Phases and names.
    """

    def __init__(self, keys: Sequence[str], rows: Rows, cells: Callable[[Any], Iterable[float]] = iter) -> None:
        """Look at the keys.

        Args:
            keys: Of every row.
            rows: Knows what they are.
            cells: Makes numbers, in the order of the keys, of a row as it is held.

        Raises:
            ValueError: if such rows must be read one by one.
        """
        self.keys = keys
        self.cells = cells
        self.step, self.time, self.columns = rows.places(keys)
        self.facts = frozenset((phase, name) for _, phase, name in self.columns)
        self._phases = tuple(dict.fromkeys(phase for _, phase, _ in self.columns))

    def entries(self, rows: NDArray[np.float64], absent: float | None = None) -> Iterator[Entries]:
        """Rows as columns, one table for each phase.

        Args:
            rows: shape (n, keys), of rising steps.
            absent: What stands where nothing was logged.
        """
        by_key = np.ascontiguousarray(rows.T)
        steps = by_key[self.step].astype(np.int64)
        times = np.full(steps.size, np.nan) if self.time is None else unix_times(by_key[self.time])
        for phase in self._phases:
            columns = {name: _cells(by_key[index], absent) for index, of, name in self.columns if of is phase}
            told = np.any([cells.kinds != Kind.ABSENT for cells in columns.values()], axis=0)
            if told.all():
                yield Entries(phase=phase, steps=steps, times=times, columns=columns)
            elif told.any():
                some = {name: Cells(cells.values[told], cells.kinds[told]) for name, cells in columns.items()}
                yield Entries(phase=phase, steps=steps[told], times=times[told], columns=some)


class Shape:
    """JSON objects of one layout. `layout` tells what is where."""

    def __init__(self, keys: Sequence[str], rows: Rows) -> None:
        """Make the decoder.

        Raises:
            ValueError: if msgspec takes no such key, or such rows must be read one by one.
        """
        struct = numbers_under(keys)
        self.decode = msgspec.json.Decoder(struct).decode
        self.layout = Layout(keys, rows, astuple)
        self.step_of = attrgetter(struct.__struct_fields__[self.layout.step])


def _cells(values: NDArray[np.float64], absent: float | None) -> Cells:
    missing = values == absent if absent is not None else np.zeros(values.size, bool)
    finite = np.isfinite(values)
    if finite.all() and not missing.any():
        return all_finite(values)
    kinds = np.where(finite, np.uint8(Kind.FINITE), np.uint8(Kind.NONFINITE))
    kinds[missing] = Kind.ABSENT
    return Cells(np.where(missing, np.nan, values), kinds)


def possible(steps: NDArray[np.float64]) -> bool:
    """Whether all are whole numbers that a step can be."""
    return bool(((steps >= 0) & (steps <= LAST_STEP) & (steps == np.floor(steps))).all())


class Gathered:
    """Holds rows of known layouts, and gives them out as columns where nothing but their numbers matters."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._held: list[tuple[Layout, float, Any]] = []
        self._last = 0.0

    def add(self, layout: Layout, step: float, row: Any) -> bool:
        """Hold a row; False if its step goes back or cannot be one, which the general way must see."""
        if not self._last <= step <= LAST_STEP or step % 1:
            return False
        self._last = step
        self._held.append((layout, step, row))
        return True

    def given(self) -> Iterator[Read]:
        """What was held since the last call."""
        held, self._held, self._last = self._held, [], 0.0
        if not held:
            return
        if len(held) < _FEW or not self._in_order(held):
            for layout, _, row in held:
                numbers = (_MEANT.get(number, number) for number in layout.cells(row))
                yield from self._rows.take(dict(zip(layout.keys, numbers, strict=True)))
            return
        yield from self._rows.begin()
        by_layout: dict[Layout, list[Any]] = {}
        for layout, _, row in held:
            by_layout.setdefault(layout, []).append(row)
        tables = [entries for layout, rows in by_layout.items() for entries in layout.entries(_numbers(layout, rows))]
        yield from passed_on(_together(tables), self._rows)

    def _in_order(self, held: list[tuple[Layout, float, Any]]) -> bool:
        """Whether every step comes after all before it, or its rows tell each of something else."""
        steps = np.fromiter((step for _, step, _ in held), np.float64, count=len(held))
        if steps[0] <= self._rows.reached():
            return False
        told, before = set(held[0][0].facts), -2
        for at in np.flatnonzero(np.diff(steps) == 0).tolist():
            if at != before + 1:
                told = set(held[at][0].facts)
            facts, before = held[at + 1][0].facts, at
            if not told.isdisjoint(facts):
                return False
            told |= facts
        return True


def _numbers(layout: Layout, rows: list[Any]) -> NDArray[np.float64]:
    width = len(layout.keys)
    flat = np.fromiter(chain.from_iterable(map(layout.cells, rows)), np.float64, count=width * len(rows))
    if (np.abs(flat) > _LARGEST).any():
        for mark, meant in _MEANT.items():
            flat[flat == mark] = meant
    return flat.reshape(len(rows), width)


class RowsInBulk:
    """Takes lines whose shape is known."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._shapes: dict[tuple[str, ...], Shape | None] = {}
        self._likely: list[Shape] = []
        self._gathered = Gathered(rows)
        self.given = self._gathered.given

    def take(self, line: bytes) -> bool:
        """Take a line of a known shape; False leaves it to be read in the general way."""
        if b"NaN" in line or b"Infinity" in line:
            for token, mark in _MARKS.items():
                line = line.replace(token, mark)
        for place, shape in enumerate(self._likely):
            try:
                decoded = shape.decode(line)
            except REFUSED:
                continue
            if not self._gathered.add(shape.layout, shape.step_of(decoded), decoded):
                return False  # another training, most likely
            if place:
                self._expect(shape)
            return True
        return False

    def learn(self, row: Mapping[str, Json]) -> None:
        """Expect more rows like one that was read in the general way."""
        keys = tuple(row)
        shape = self._shapes.get(keys)
        if keys not in self._shapes and len(self._shapes) < _MOST_SHAPES and _all_numbers(row):
            shape = self._shapes[keys] = self._shape(keys)
        if shape is not None:
            self._expect(shape)

    def _shape(self, keys: tuple[str, ...]) -> Shape | None:
        try:
            return Shape(keys, self._rows)
        except ValueError:
            return None

    def _expect(self, shape: Shape) -> None:
        self._likely = [shape, *(known for known in self._likely if known is not shape)][:_TRIED]


def _together(tables: Sequence[Entries]) -> list[Entries]:
    """One table for each phase of which no step is told twice; the others in the order of their first steps."""
    found = []
    for phase in dict.fromkeys(entries.phase for entries in tables):
        parts = [entries for entries in tables if entries.phase is phase]
        steps = np.concatenate([entries.steps for entries in parts])
        found += [merged(parts)] if np.unique(steps).size == steps.size else parts
    return sorted(found, key=lambda entries: int(entries.steps[0]))


def passed_on(tables: Sequence[Entries], rows: Rows) -> Iterator[Entries]:
    """The tables, once the rows they stand for are known to have been taken."""
    for entries in tables:
        if entries.phase is Phase.TRAIN:
            rows.passed(int(entries.steps[-1]), entries.columns)
        yield entries
    rows.step = max((int(entries.steps[-1]) for entries in tables), default=rows.step)


def _all_numbers(row: Mapping[str, Json]) -> bool:
    return len(row) <= _MOST_KEYS and all(type(cell) in (int, float) for cell in row.values())
