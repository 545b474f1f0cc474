"""The log rows of one launch as columns that only grow.

A cell has a value and a code. The code says what the log said there (`Kind`: nothing, a finite number, None, a number
that is not finite) and how far its source is trusted, packed so that merging two sources of one cell is "the larger code
wins": the source that says non-finite beats the one that hides it, then the more trusted one, whatever came first.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from rldk_tui.events.entries import Cells, Kind
from rldk_tui.run.buffer import Buffer
from rldk_tui.run.long_arrays import SHORT, LongArrays
from rldk_tui.statistics.trend import LARGEST

Answer = TypeVar("Answer")
_KIND_SHIFT = 4
_MAX_AUTHORITY = (1 << _KIND_SHIFT) - 1
_revisions = itertools.count(1)
"""No two tables, nor a table and what stands in its place later, have a revision in common."""


@dataclass(frozen=True, slots=True)
class Column:
    """One metric over the rows of a table, read-only.

    Attributes:
        values: shape (rows,), NaN wherever the kind is not FINITE or NONFINITE.
        kinds: shape (rows,), `Kind` of each cell.
    """

    values: NDArray[np.float64]
    codes: NDArray[np.uint8]

    @property
    def kinds(self) -> NDArray[np.uint8]:
        """`Kind` of each cell."""
        kinds: NDArray[np.uint8] = self.codes >> np.uint8(_KIND_SHIFT)
        return kinds

    @property
    def present(self) -> NDArray[np.bool_]:
        """Rows in which the metric was logged at all."""
        present: NDArray[np.bool_] = self.codes != 0
        return present

    @property
    def finite(self) -> NDArray[np.bool_]:
        """Rows in which it was logged as a finite number."""
        finite: NDArray[np.bool_] = self.kinds == Kind.FINITE
        return finite


@dataclass(frozen=True, slots=True)
class Rows:
    """A read-only stretch of log rows: one row a step.

    Columns are cut when they are asked for, so that a stretch of a table of any width costs nothing to make.

    Attributes:
        steps: shape (n,), rising.
        times: shape (n,), Unix seconds of the first log of the step, NaN where the source has no clock.
        columns: canonical metric name to the whole table's column; `eval/` and `final/` columns hold those phases of
            the step. Use `column`, which cuts it to this stretch.
        start: Where in the table this stretch begins.
        memo: What was worked out about these rows, by whoever did: every rule asks for the same few things.
    """

    steps: NDArray[np.int64]
    times: NDArray[np.float64]
    columns: Mapping[str, Column]
    start: int = 0
    memo: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)

    def __len__(self) -> int:
        return int(self.steps.size)

    def column(self, name: str) -> Column:
        """The metric in these rows; a column without a single value if it was never logged."""
        whole = self.columns.get(name)
        if whole is None:
            return Column(np.full(len(self), np.nan), np.zeros(len(self), np.uint8))
        here = slice(self.start, self.start + len(self))
        return Column(whole.values[here], whole.codes[here])

    def finite_numbers(self, name: str) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The rows in which the metric is a finite number, and those numbers cut to `LARGEST`; both read-only."""
        return self.once(("finite", name), lambda: self._finite_numbers(name))

    def _finite_numbers(self, name: str) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        whole = self.columns.get(name)
        if whole is None:
            return _NO_ROWS, _NO_VALUES
        if len(self) == 1:  # a live run's newest row
            if int(whole.codes[self.start]) >> _KIND_SHIFT != Kind.FINITE:
                return _NO_ROWS, _NO_VALUES
            return _FIRST_ROW, np.array([min(LARGEST, max(-LARGEST, float(whole.values[self.start])))])
        column = self.column(name)
        at = np.flatnonzero(column.finite)
        values = np.clip(column.values[at], -LARGEST, LARGEST)
        at.flags.writeable = values.flags.writeable = False
        return at, values

    def once(self, key: Hashable, work: Callable[[], Answer]) -> Answer:
        """The answer to this question about these rows, worked out by whoever asks first. Nobody may change it."""
        if key not in self.memo:
            self.memo[key] = work()
        answer: Answer = self.memo[key]
        return answer

    def __getitem__(self, part: slice) -> Rows:
        start, _, _ = part.indices(len(self))
        return Rows(self.steps[part], self.times[part], self.columns, self.start + start)


_NO_ROWS, _FIRST_ROW, _NO_VALUES = np.empty(0, np.intp), np.zeros(1, np.intp), np.empty(0)
for _shared in (_NO_ROWS, _FIRST_ROW, _NO_VALUES):
    _shared.flags.writeable = False


def _code(value: float | None, authority: int) -> int:
    """The code of a cell: what the log said, and how far its source is trusted."""
    kind = Kind.NULL if value is None else Kind.FINITE if math.isfinite(value) else Kind.NONFINITE
    return int(kind) << _KIND_SHIFT | (authority if authority < _MAX_AUTHORITY else _MAX_AUTHORITY)


def _codes(kinds: NDArray[np.uint8], authority: int) -> NDArray[np.uint8]:
    """The codes of cells of these kinds; an absent cell's is 0."""
    codes: NDArray[np.uint8] = kinds << np.uint8(_KIND_SHIFT) | np.uint8(min(authority, _MAX_AUTHORITY))
    return np.where(kinds == Kind.ABSENT, np.uint8(0), codes)


def _part(columns: Mapping[str, Cells], rows: NDArray[np.bool_]) -> dict[str, Cells]:
    """These rows of the columns, without those that have none of them."""
    if rows.all():
        return dict(columns)
    parts = {name: Cells(cells.values[rows], cells.kinds[rows]) for name, cells in columns.items()}
    return {name: cells for name, cells in parts.items() if cells.kinds.any()}


class Table:
    """The growing table of one launch.

    Attributes:
        length: Rows so far.
        revision: Another one whenever a row changed that was shown as settled, so that whoever walked past it walks again.
        version: Raised whenever anything changed.
        amended: Raised whenever a row changed that was shown, settled or not.
        nonfinite: Names of the metrics that were ever logged as a number that is not finite.
    """

    def __init__(self) -> None:
        self.length = 0
        self.revision = next(_revisions)
        self.version = 0
        self.amended = 0
        self.nonfinite: set[str] = set()
        self._shown = self._settled = 0
        self._capacity = 64
        self._arrays = LongArrays()
        self._steps = Buffer(np.int64, 0, self._capacity, self._arrays)
        self._times = Buffer(np.float64, math.nan, self._capacity, self._arrays)
        self._columns: dict[str, tuple[Buffer, Buffer]] = {}

    @property
    def last_step(self) -> int | None:
        """The newest step, None before the first row."""
        return int(self._steps[self.length - 1]) if self.length else None

    def put(self, step: int, time: float, values: Mapping[str, float | None], authority: int) -> None:
        """Merge one log entry into the row of its step."""
        if self.last_step is None or step > self.last_step:
            self._append(step, time, values, authority)
            return
        index = self._row(step)
        changed = not math.isnan(time) and not self._times[index] <= time
        if changed:
            self._times[index] = time
        for name, value in values.items():
            changed |= self._merge(index, name, value, authority)
        if changed:
            self._changed(index)

    def put_many(
        self, steps: NDArray[np.int64], times: NDArray[np.float64], columns: Mapping[str, Cells], authority: int
    ) -> None:
        """Merge log entries of rising steps, each into the row of its step: the same as `put` for each."""
        if not self._columns and not self.length and steps.size > SHORT:
            self._adopt(steps, times, columns, authority)
            return
        known = np.searchsorted(self._steps.array[: self.length], steps)
        there = known < self.length
        there[there] = self._steps.array[known[there]] == steps[there]
        passed = ~there & (known < self.length)
        if passed.any():  # steps that were skipped when they came
            self._insert_many(known[passed], steps[passed])
            known, there = np.searchsorted(self._steps.array[: self.length], steps), there | passed
        if there.any():
            self._merge_many(known[there], times[there], _part(columns, there), authority)
        if not there.all():
            self._append_many(steps[~there], times[~there], _part(columns, ~there), authority)

    def _adopt(
        self, steps: NDArray[np.int64], times: NDArray[np.float64], columns: Mapping[str, Cells], authority: int
    ) -> None:
        """Be the table of these rows alone, without copying what lies in a file already."""
        self._capacity = self.length = steps.size
        self._steps.adopt(steps)
        self._times.adopt(times)
        for name, cells in columns.items():
            numbers, codes = self._new_column(name)
            numbers.adopt(cells.values)
            codes.array[:] = _codes(cells.kinds, authority)
            if (cells.kinds == Kind.NONFINITE).any():
                self.nonfinite.add(name)
        self.version += 1

    def _append_many(
        self, steps: NDArray[np.int64], times: NDArray[np.float64], columns: Mapping[str, Cells], authority: int
    ) -> None:
        start, end = self.length, self.length + steps.size
        self._make_room(end)
        self._steps.array[start:end] = steps
        self._times.array[start:end] = times
        for name, cells in columns.items():
            numbers, codes = self._columns.get(name) or self._new_column(name)
            numbers.array[start:end] = cells.values
            codes.array[start:end] = _codes(cells.kinds, authority)
            if (cells.kinds == Kind.NONFINITE).any():
                self.nonfinite.add(name)
        self.length = end
        self.version += 1

    def _merge_many(
        self, at: NDArray[np.intp], times: NDArray[np.float64], columns: Mapping[str, Cells], authority: int
    ) -> None:
        earlier = ~np.isnan(times) & ~(self._times.array[at] <= times)
        self._times.change(at[earlier], times[earlier])
        changed = earlier
        for name, cells in columns.items():
            numbers, codes = self._columns.get(name) or self._new_column(name)
            code, before, value = _codes(cells.kinds, authority), codes.array[at], numbers.array[at]
            other = (cells.values != value) & ~(np.isnan(cells.values) & np.isnan(value))
            better = (code > before) | ((code == before) & other)
            numbers.change(at[better], cells.values[better])
            codes.change(at[better], code[better])
            if (better & (cells.kinds == Kind.NONFINITE)).any():
                self.nonfinite.add(name)
            changed = changed | better
        if changed.any():
            self._changed(int(at[changed].min()))

    def _changed(self, first: int) -> None:
        """Rows from this one on are not what they were."""
        self.version += 1
        self.amended += first < self._shown
        if first < self._settled:
            self.revision = next(_revisions)

    def withdraw(self, step: int, names: Iterable[str], authority: int) -> None:
        """Empty the cells of these metrics that sources of this authority filled; a row with nothing left goes."""
        index = self._index(step)
        if index is None:
            return
        for name in names:
            numbers, codes = self._columns.get(name) or self._new_column(name)
            if int(codes.array[index]) & _MAX_AUTHORITY == authority:
                numbers[index], codes[index] = math.nan, Kind.ABSENT
        if math.isnan(self._times[index]) and not any(codes.array[index] for _, codes in self._columns.values()):
            self.length -= 1
            for buffer in self._buffers():
                buffer.remove(index, self.length)
        self._changed(index)

    def release(self) -> None:
        """Hand back the memory of what was read lately of a long table."""
        self._arrays.release()

    def has_step(self, step: int) -> bool:
        """Whether there is a row of this step."""
        return self._index(step) is not None

    def has_metric(self, name: str) -> bool:
        """Whether the metric was ever logged."""
        return name in self._columns

    def has(self, name: str, step: int) -> bool:
        """Whether the metric was logged at this step."""
        index, column = self._index(step), self._columns.get(name)
        return index is not None and column is not None and bool(column[1].array[index])

    def finite(self, name: str, step: int) -> float | None:
        """The metric at this step; None unless it was logged as a finite number."""
        index, column = self._index(step), self._columns.get(name)
        if index is None or column is None or int(column[1].array[index]) >> _KIND_SHIFT != Kind.FINITE:
            return None
        return float(column[0].array[index])

    def _index(self, step: int) -> int | None:
        index = int(np.searchsorted(self._steps.array[: self.length], step))
        return index if index < self.length and int(self._steps.array[index]) == step else None

    def _append(self, step: int, time: float, values: Mapping[str, float | None], authority: int) -> None:
        """A new row at the end: nothing to merge with, which is what nearly every log entry is."""
        self._make_room(self.length + 1)
        index = self.length
        self.length += 1
        self.version += 1
        self._steps.array[index] = step
        self._times.array[index] = time
        for name, value in values.items():
            numbers, codes = self._columns.get(name) or self._new_column(name)
            numbers.array[index] = math.nan if value is None else value
            code = codes.array[index] = _code(value, authority)
            if code >> _KIND_SHIFT == Kind.NONFINITE:
                self.nonfinite.add(name)

    def _row(self, step: int) -> int:
        """Where the row of a step that was passed already stands; it is put in its place if it was skipped."""
        steps = self._steps.view(self.length)
        index = int(np.searchsorted(steps, step))
        if int(self._steps[index]) != step:
            self._insert_many(np.array([index]), np.array([step]))
        return index

    def _make_room(self, length: int) -> None:
        if length > self._capacity:
            while length > self._capacity:
                self._capacity += min(self._capacity, SHORT)
            for buffer in self._buffers():
                buffer.grow(self._capacity)

    def _insert_many(self, at: NDArray[np.intp], steps: NDArray[np.int64]) -> None:
        """Open empty rows of these rising steps before the rows at `at`."""
        self._make_room(self.length + steps.size)
        for buffer in self._buffers():
            buffer.insert(at, self.length)
        self._steps.change(at + np.arange(at.size), steps)
        self.length += steps.size
        self._changed(int(at[0]))

    def _buffers(self) -> Iterator[Buffer]:
        yield self._steps
        yield self._times
        for values, codes in self._columns.values():
            yield values
            yield codes

    def _merge(self, index: int, name: str, value: float | None, authority: int) -> bool:
        code = _code(value, authority)
        values, codes = self._columns.get(name) or self._new_column(name)
        if code < codes[index]:
            return False
        number = math.nan if value is None else float(value)
        before = values[index]
        if code == codes[index] and (number == before or (math.isnan(number) and math.isnan(before))):
            return False
        values[index], codes[index] = number, code
        if code >> _KIND_SHIFT == Kind.NONFINITE:
            self.nonfinite.add(name)
        return True

    def _new_column(self, name: str) -> tuple[Buffer, Buffer]:
        column = (
            Buffer(np.float64, math.nan, self._capacity, self._arrays),
            Buffer(np.uint8, 0, self._capacity, self._arrays),
        )
        self._columns[name] = column
        return column

    def shown(self, settled: int) -> Rows:
        """All rows so far, to whoever judges them and takes so many of them for settled."""
        self._shown, self._settled = self.length, max(self._settled, settled)
        return self.rows()

    def rows(self) -> Rows:
        """All rows so far, frozen: later changes are made in copies."""
        columns = {
            name: Column(values.view(self.length), codes.view(self.length)) for name, (values, codes) in self._columns.items()
        }
        return Rows(
            self._steps.view(self.length),
            self._times.view(self.length),
            MappingProxyType(columns),
        )
