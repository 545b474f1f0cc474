"""Lines of a long table, each made only when it is looked at: ten thousand tensors cost no more than those on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from rldk_tui.tui.cells import Line, Span, Tone, left, line, right, tail
from rldk_tui.tui.tensor_tables import TensorTable

_CELL = 11
_LAYER, _ROLE = 6, 17
_WIDE, _MIDDLE, _NARROW, _NARROWEST = 100, 70, 60, 44
_MOST = 300
"""Characters of a name that are looked at: its end tells it from others."""


class TableLines(Sequence[Line]):
    """The lines of a table for a width: those above it, its heading, a line a tensor. Each is made when it is asked for.

    Attributes:
        heading: Where the line with the titles stands.
    """

    def __init__(self, above: Sequence[Line], table: TensorTable, width: int) -> None:
        self._above = above
        self._table = table
        self._width = width
        self._shown = len(table.columns) if width >= _NARROW else 2 if width >= _NARROWEST else 1
        self.heading = len(above)

    def __len__(self) -> int:
        return len(self._above) + (1 + len(self._table.rows) if self._table.rows else 0)

    @overload
    def __getitem__(self, at: int) -> Line: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Line]: ...
    def __getitem__(self, at: int | slice) -> Line | Sequence[Line]:
        if isinstance(at, slice):
            return [self[index] for index in range(*at.indices(len(self)))]
        if not -len(self) <= at < len(self):
            raise IndexError(at)
        at %= len(self)
        if at < self.heading:
            return self._above[at]
        if at == self.heading:
            return self._line("tensor", "layer", "role", self._table.columns, Tone.DIM)
        row = self._table.rows[at - self.heading - 1]
        return self._line(row.name, "–" if row.layer is None else str(row.layer), row.role, row.cells, row.tone)

    def _line(self, name: str, layer: str, role: str, cells: Sequence[str], tone: Tone) -> Line:
        numbers = "".join(right(cell, _CELL) for cell in cells[: self._shown])
        where = left(role, _ROLE) if self._width >= _WIDE else ""
        where = right(layer, _LAYER - 1) + "  " + where if self._width >= _MIDDLE else ""
        room = max(8, self._width - len(numbers) - len(where) - 2)
        return line(Span(tail(name[-_MOST:], room) + "  "), Span(where, Tone.DIM), Span(numbers, tone))
