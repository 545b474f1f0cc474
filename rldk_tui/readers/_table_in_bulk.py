"""Many lines of a CSV at once: those of numbers alone become columns, several times as fast as row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from rldk_tui.readers import Read
from rldk_tui.readers._row_shapes import Layout, passed_on, possible
from rldk_tui.readers._rows import Rows

_FEW = 16
"""Rows below which columns do not pay."""
_EMPTY = -1.7976931348623e308
"""Stands for an empty cell: no log holds this number."""


class TableInBulk:
    """Takes the lines of one table as numbers, and gives them out as columns."""

    def __init__(self, names: Sequence[str], separator: str, rows: Rows) -> None:
        self._names = names
        self._separator = separator
        self._rows = rows
        self._taken: list[list[float]] = []
        self._last = -np.inf
        try:
            self._layout: Layout | None = Layout(names, rows)
        except ValueError:
            self._layout = None

    def take(self, line: str) -> bool:
        """Take a line of numbers and empty cells; False leaves it to be read in the general way."""
        if self._layout is None or "_" in line:
            return False
        cells = line.split(self._separator)
        if len(cells) != len(self._names):
            return False
        try:
            row = [float(cell) if cell else _EMPTY for cell in cells]
        except ValueError:
            return False
        step = row[self._layout.step]
        if not step > self._last:
            return False  # no step, or another training
        self._last = step
        self._taken.append(row)
        return True

    def given(self) -> Iterator[Read]:
        """What was taken since the last call."""
        taken, self._taken, self._last = self._taken, [], -np.inf
        layout = self._layout
        if layout is None or not taken:
            return
        numbers = np.array(taken, np.float64)
        behind = numbers[0, layout.step] <= self._rows.reached()
        if len(taken) < _FEW or behind or not possible(numbers[:, layout.step]):
            for row in taken:
                cells = {name: cell for name, cell in zip(self._names, row, strict=True) if cell != _EMPTY}
                yield from self._rows.take(cells)
            return
        yield from self._rows.begin()
        yield from passed_on(list(layout.entries(numbers, absent=_EMPTY)), self._rows)
