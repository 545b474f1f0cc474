"""A table of plain text in the width there is: what matters least is left out first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rldk_tui.charts.format import NOTHING
from rldk_tui.charts.text import one_line

_INDENT, _BETWEEN = 2, 2
_LONGEST = 400
_SHORT, _NARROWEST = 40, 8
"""Cells to which the first column is cut before other columns are left out, and when none is left to leave out."""


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
    first, *others = ([one_line(cell, _LONGEST) for cell in (column.title, *column.cells)] for column in columns)
    ranks = [column.rank for column in columns[1:]]
    shown = [at for at, column in enumerate(columns[1:]) if not column.rank or any(map(_says, column.cells))]
    widths = [max(map(len, cells)) for cells in others]

    def room() -> int:
        """What the others leave for the first column."""
        return width - _INDENT - sum(_BETWEEN + widths[at] for at in shown)

    wanted = max(map(len, first))
    while room() < min(wanted, _SHORT) and any(ranks[at] for at in shown):
        shown.remove(max(shown, key=lambda at: ranks[at]))
    least = min(wanted, max(_NARROWEST, room()))
    for row, name in enumerate(first):
        told = name if len(name) <= least else f"…{name[1 - least :]}"
        line = "".join(f"{' ' * _BETWEEN}{others[at][row]:>{widths[at]}}" for at in shown)
        yield f"{' ' * _INDENT}{told:<{least}}{line}".rstrip()


def _says(cell: str) -> bool:
    return cell not in {"", NOTHING}
