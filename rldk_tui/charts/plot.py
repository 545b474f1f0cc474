"""A series as several rows of text cells, with a limit to hold it against."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rldk_tui.charts.columns import Columns, in_columns, rows_of, stretched
from rldk_tui.charts.format import count, number
from rldk_tui.charts.glyphs import Glyphs, dotted
from rldk_tui.charts.growing import Shape


@dataclass(frozen=True, slots=True)
class PlotRow:
    """One row of a plot: its label on the axis, its cells, and whether the limit runs through it."""

    label: str
    cells: str
    limit: bool


def plot(shape: Shape, width: int, height: int, glyphs: Glyphs, limit: float | None = None) -> tuple[PlotRow, ...]:
    """The series in `width` × `height` cells, highest row first, then a row with the first and the last step.

    The limit widens the range, so it is always in the picture: a dashed line where the series leaves its row free.
    """
    if not len(shape) or width < 2 or height < 1:
        return ()
    if limit is not None and not math.isfinite(limit):
        limit = None
    columns = stretched(in_columns(shape, width * glyphs.across), width * glyphs.across)
    known = [*(columns.span() or ()), *([] if limit is None else [limit])]
    span = (min(known), max(known)) if known else (0.0, 0.0)
    dots = height * glyphs.down
    lit = joined(rows_of(columns.low, span, dots), rows_of(columns.high, span, dots), dots)
    limit_at = -1 if limit is None else int(rows_of(np.array([limit]), span, dots)[0]) // glyphs.down
    labels = {0: number(span[0]), height - 1: number(span[1])}
    if limit is not None:
        labels[limit_at] = number(limit)
    rows = [
        PlotRow(labels.get(row, ""), _cells(lit, columns, row, glyphs, limit=row == limit_at), row == limit_at)
        for row in reversed(range(height))
    ]
    first, last = count(int(shape.last_steps[0])), count(int(shape.last_steps[-1]))
    return (*rows, PlotRow("", f"{first}{last:>{max(0, width - len(first))}}"[:width], limit=False))


def joined(low: NDArray[np.intp], high: NDArray[np.intp], rows: int) -> NDArray[np.bool_]:
    """Which dots are lit: each column from its lowest to its highest, and on to where the column before it was."""
    low, high = low.copy(), high.copy()
    for column in range(1, low.size):
        if low[column] < 0 or low[column - 1] < 0:
            continue
        if low[column] > high[column - 1] + 1:
            low[column] = high[column - 1] + 1
        elif high[column] < low[column - 1] - 1:
            high[column] = low[column - 1] - 1
    row = np.arange(rows)[:, None]
    return (row >= low) & (row <= high) & (low >= 0)


def _cells(lit: NDArray[np.bool_], columns: Columns, row: int, glyphs: Glyphs, *, limit: bool) -> str:
    """One row; what was no finite number is marked on the floor of the picture."""
    blank = glyphs.dashed if limit else " "
    here = lit[row * glyphs.down : (row + 1) * glyphs.down]
    cells = []
    for start in range(0, len(columns), glyphs.across):
        part = slice(start, start + glyphs.across)
        mark = glyphs.mark(int(np.bitwise_or.reduce(columns.marks[part]))) if row == 0 else ""
        drawn = dotted(here[:, part]) if glyphs.dots else glyphs.levels[-1] if here[0, start] else " "
        cells.append(mark or (blank if drawn == " " else drawn))
    return "".join(cells)
