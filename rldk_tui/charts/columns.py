"""A shape cut into the columns of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rldk_tui.charts.growing import Shape

_LAID_OUT = 64


@dataclass(frozen=True, slots=True)
class Columns:
    """What each column of a picture has to show; NaN extremes where nothing finite was logged."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    marks: NDArray[np.uint8]
    last_steps: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.low.size)

    def span(self) -> tuple[float, float] | None:
        """The lowest and the highest value; None without any."""
        lowest, highest = np.fmin.reduce(self.low, initial=np.nan), np.fmax.reduce(self.high, initial=np.nan)
        return None if np.isnan(lowest) else (float(lowest), float(highest))


def in_columns(shape: Shape, most: int) -> Columns:
    """The shape in at most `most` columns, every extreme and mark kept.

    The columns are laid out anew only every 64th of the shape; until then what is new joins the last one, so that a line that
    grows is not drawn anew from its beginning with every log.
    """
    size = len(shape)
    if size <= most:
        return Columns(shape.low, shape.high, shape.marks, shape.last_steps)
    starts, ends = _laid_out(size, most)
    return Columns(
        np.fmin.reduceat(shape.low, starts),
        np.fmax.reduceat(shape.high, starts),
        np.bitwise_or.reduceat(shape.marks, starts),
        shape.last_steps[ends],
    )


@lru_cache(maxsize=16)
def _laid_out(size: int, most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the columns begin and end; metrics that are logged together have it in common."""
    starts = np.arange(most) * (size - size % max(1, size // _LAID_OUT)) // most
    return starts, np.append(starts[1:], size) - 1


def stretched(columns: Columns, width: int) -> Columns:
    """The columns widened to exactly `width`: a line of five logs still fills its picture."""
    if len(columns) >= width or not len(columns):
        return columns
    at = np.arange(width) * len(columns) // width
    return Columns(columns.low[at], columns.high[at], columns.marks[at], columns.last_steps[at])


def rows_of(values: NDArray[np.float64], span: tuple[float, float], rows: int) -> NDArray[np.intp]:
    """The row of each value, 0 the lowest, −1 where there is none; a flat series lies on the floor."""
    bottom, top = span
    share = np.zeros(values.shape)
    if top > bottom:
        scale = max(abs(top), abs(bottom))  # the difference of two values near the largest float overflows
        share = (values / scale - bottom / scale) / (top / scale - bottom / scale)
    row = np.minimum(np.fmax(share, 0.0) * rows, rows - 1)
    return np.where(np.isnan(values), -1.0, row).astype(np.intp)
