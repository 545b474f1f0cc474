"""A series as one row of text cells.

Each cell stands for a stretch of the series. What was not a finite number is drawn as a mark at its place, so it can
neither vanish nor look like a pause of the log.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rldk_tui.charts.columns import Columns, in_columns, rows_of
from rldk_tui.charts.glyphs import BLOCK, Glyphs, dotted
from rldk_tui.charts.growing import Shape

_STANDS_OUT = 2.0
"""How many times further from the middle than the median stretch an extreme must lie to be drawn for its stretch."""


@dataclass(frozen=True, slots=True)
class Cells:
    """A drawn row.

    Attributes:
        text: One character a cell.
        last_steps: The step at which each cell's stretch ends.
    """

    text: str
    last_steps: NDArray[np.int64]


def sparkline(shape: Shape, width: int, glyphs: Glyphs = BLOCK) -> Cells:
    """The series in at most `width` cells, scaled from its lowest to its highest value.

    A cell of dots shows the range of its stretch, from the lowest to the highest. A cell of one level cannot, so it shows
    the middle of that range, unless an end of it stands out from the series' ordinary noise: a spike of a single log stays
    visible however long the run is, and noise does not look like a run that flips between two levels.
    """
    if not len(shape) or width < 1:
        return Cells("", np.empty(0, np.int64))
    columns = in_columns(shape, width * glyphs.across)
    span = columns.span() or (0.0, 0.0)
    if not glyphs.dots:
        return Cells(_levels(columns, span, glyphs), columns.last_steps)
    ends = np.minimum(np.arange(0, len(columns), glyphs.across) + glyphs.across, len(columns)) - 1
    return Cells(_dots(columns, span, glyphs), columns.last_steps[ends])


def _levels(columns: Columns, span: tuple[float, float], glyphs: Glyphs) -> str:
    both = np.concatenate([columns.low, columns.high])
    with np.errstate(over="ignore"):  # near the largest float, the mean of two values overflows
        middle = _median(both)
        furthest = np.where(np.abs(columns.high - middle) >= np.abs(columns.low - middle), columns.high, columns.low)
    centre = columns.low / 2 + columns.high / 2
    away = np.abs(furthest / 2 - middle / 2)
    ordinary = _median(away)
    telling = np.where(away > _STANDS_OUT * ordinary, furthest, centre)
    levels = [glyphs.levels[row] for row in rows_of(telling, span, len(glyphs.levels)).tolist()]
    for marked in np.flatnonzero(columns.marks).tolist():
        levels[marked] = glyphs.mark(int(columns.marks[marked]))
    return "".join(levels)


def _median(values: NDArray[np.float64]) -> float:
    """Of what is a number, 0 without any; a tenth of the time that `np.nanmedian` takes for so few."""
    known = np.sort(values)[: values.size - int(np.count_nonzero(np.isnan(values)))]
    if not known.size:
        return 0.0
    return float(known[(known.size - 1) // 2]) / 2 + float(known[known.size // 2]) / 2


def _dots(columns: Columns, span: tuple[float, float], glyphs: Glyphs) -> str:
    low, high = rows_of(columns.low, span, 4), rows_of(columns.high, span, 4)
    row = np.arange(4)[:, None]
    lit = (row >= low) & (row <= high) & (low >= 0)
    cells = []
    for start in range(0, len(columns), 2):
        marks = int(np.bitwise_or.reduce(columns.marks[start : start + 2]))
        cells.append(glyphs.mark(marks) or dotted(lit[:, start : start + 2]))
    return "".join(cells)
