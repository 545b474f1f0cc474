"""Several lines in one picture of text cells: each cell shows all dots in it, and belongs to the topmost line that has any."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rldk_tui.charts.columns import Columns, rows_of
from rldk_tui.charts.glyphs import Glyphs, dotted
from rldk_tui.charts.plot import joined

NOTHING = -1
"""The layer of a cell that no line touches."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one cell, and the index of the layer it belongs to."""

    text: str
    layer: int


def layered(lines: tuple[Columns, ...], signs: str, span: tuple[float, float], rows: int, glyphs: Glyphs) -> list[list[Cell]]:
    """Lines on top of each other, the last one uppermost, highest row first.

    Args:
        lines: All with the same number of columns: `glyphs.across` a cell.
        signs: What each is drawn with where a cell holds no dots.
        span: The values at the floor and at the top.
        rows: Cells from the floor to the top.
        glyphs: What it is drawn with.
    """
    dots = rows * glyphs.down
    lit = [joined(rows_of(line.low, span, dots), rows_of(line.high, span, dots), dots) for line in lines]
    cells = len(lines[0]) // glyphs.across if lines else 0
    return [[_cell(lit, row, at, signs, glyphs) for at in range(cells)] for row in reversed(range(rows))]


def _cell(lit: list[NDArray[np.bool_]], row: int, at: int, signs: str, glyphs: Glyphs) -> Cell:
    there = (slice(row * glyphs.down, (row + 1) * glyphs.down), slice(at * glyphs.across, (at + 1) * glyphs.across))
    parts = [layer[there] for layer in lit]
    top = max((index for index, part in enumerate(parts) if part.any()), default=NOTHING)
    if top == NOTHING:
        return Cell(" ", NOTHING)
    return Cell(dotted(np.logical_or.reduce(parts)) if glyphs.dots else signs[top], top)
