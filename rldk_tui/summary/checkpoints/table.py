"""A table of plain text in the width there is: what matters least is left out first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rldk_tui.charts.format import NOTHING
from rldk_tui.charts.text import one_line

_INDENT, _BETWEEN = 2, 2
_LONGEST = 400
_NARROWEST = 8
"""Cells of a first column that is cut."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes:
        title: Above it.
        cells: One a row; names come from files and are made harmless here.
        rank: Columns of the highest rank are left out first where the width is short; one of rank 0 stays. One with a rank
            is left out as well where no row has anything in it.
    """

    title: str
    cells: Sequence[str]
    rank: int = 0


def table(columns: Sequence[Column], width: int) -> Iterator[str]:
    """Lines of at most `width` cells: the first column to the left, numbers to the right. A long name keeps its end."""
    shown = [column for column in columns if not column.rank or any(cell not in {"", NOTHING} for cell in column.cells)]
    texts = {id(column): [one_line(cell, _LONGEST) for cell in (column.title, *column.cells)] for column in shown}

    def needed() -> int:
        return _INDENT + sum(_BETWEEN + max(map(len, texts[id(column)])) for column in shown) - _BETWEEN

    while needed() > width and any(column.rank for column in shown):
        shown.remove(max(shown, key=lambda column: column.rank))
    if needed() > width:
        first = texts[id(shown[0])]
        room = max(_NARROWEST, max(map(len, first)) - (needed() - width))
        texts[id(shown[0])] = [text if len(text) <= room else f"…{text[1 - room :]}" for text in first]
    widths = [max(map(len, texts[id(column)])) for column in shown]
    for cells in zip(*(texts[id(column)] for column in shown), strict=True):
        first_cell, *others = cells
        aligned = [first_cell.ljust(widths[0]), *(cell.rjust(room) for cell, room in zip(others, widths[1:], strict=True))]
        yield f"{' ' * _INDENT}{(' ' * _BETWEEN).join(aligned)}".rstrip()
