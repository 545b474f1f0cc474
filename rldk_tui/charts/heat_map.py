"""How a quantity is distributed over time: a column a stretch of time, a row a range of values, dark where many are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from rldk_tui.charts.format import count, number, percent
from rldk_tui.charts.text import one_line

_SHADES, _ASCII_SHADES = "·░▒▓█", ".:+%#"
_NONE, _SOME = " ", 1e-9
_TAILS = (0.5, 99.5)
"""Percentiles between which the rows lie where the extremes are far out; what is beyond is in the outermost rows."""
_FAR = 3.0
_LEFT, _BOTTOM, _FONT = 52.0, 16.0, 10
_MOST_LABELS = 10
_COLOUR = "#2457c5"
_LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Shares of the values of each column, ready to be drawn.

    Attributes:
        values: The lowest value of each row, highest row first; a value itself where there are few different ones.
        exact: Whether a row is one value.
        columns: First and last step of each column.
        shares: Rows × columns, each column adding up to 1, or to 0 where it has no value.
    """

    values: tuple[float, ...]
    exact: bool
    columns: tuple[tuple[int, int], ...]
    shares: tuple[tuple[float, ...], ...]


def heat_map(steps: Sequence[int], values: Sequence[NDArray[np.float64]], rows: int, columns: int) -> HeatMap | None:
    """The distribution of what each step measured; values that are not finite are left out.

    Args:
        steps: In ascending order.
        values: Of each step, any number of them.
        rows: At most.
        columns: At most; steps next to each other share one where there are more.

    Returns:
        None if there is no finite value.
    """
    known = [step[np.isfinite(step)] for step in values]
    everything = np.concatenate([*known, np.empty(0)])
    if not everything.size or rows < 1 or columns < 1:
        return None
    edges, exact = _rows(everything, rows)
    parts = np.array_split(np.arange(len(steps)), min(columns, len(steps)))
    counts = np.zeros((edges.size, len(parts)))
    for column, part in enumerate(parts):
        together = np.concatenate([known[step] for step in part])
        place = np.clip(np.searchsorted(edges, together, side="right") - 1, 0, edges.size - 1)
        counts[:, column] = np.bincount(place, minlength=edges.size)
    shares = counts / np.maximum(1.0, counts.sum(axis=0))
    spans = tuple((int(steps[part[0]]), int(steps[part[-1]])) for part in parts)
    return HeatMap(tuple(edges[::-1].tolist()), exact, spans, tuple(map(tuple, shares[::-1].tolist())))


def _rows(values: NDArray[np.float64], most: int) -> tuple[NDArray[np.float64], bool]:
    """The lowest value of each row, ascending, and whether each is a value of its own."""
    different = np.unique(values)
    if different.size <= most:
        return different, True
    low, high = float(different[0]), float(different[-1])
    inner_low, inner_high = (float(end) for end in np.percentile(values, _TAILS))
    if inner_high > inner_low and (high / 2 - low / 2) > _FAR * (inner_high / 2 - inner_low / 2):
        low, high = inner_low, inner_high
    place = np.arange(most) / most
    return low * (1 - place) + high * place, False


def heat_lines(shown: HeatMap, width: int, *, ascii: bool = False) -> Iterator[tuple[str, str]]:  # noqa: A002
    """Label and cells of each row, highest first, then the steps below them."""
    shades = _ASCII_SHADES if ascii else _SHADES
    across = max(1, width // max(1, len(shown.columns)))
    for value, shares in zip(shown.values, shown.shares, strict=True):
        yield number(value), "".join(_shade(share, shades) * across for share in shares)
    first, last = count(shown.columns[0][0]), count(shown.columns[-1][1])
    room = across * len(shown.columns)
    yield "", first if first == last or room < len(first) + len(last) + 1 else f"{first}{last:>{room - len(first)}}"


def _shade(share: float, shades: str) -> str:
    """The darker the more; what is there at all is seen."""
    return _NONE if share < _SOME else shades[min(len(shades) - 1, int(share * len(shades)))]


def heat_svg(shown: HeatMap, label: str, width: int, height: int) -> str:
    """The map as a picture, to be scaled by whoever places it; each cell tells its share when pointed at."""
    rows, columns = len(shown.values), len(shown.columns)
    high = (height - _BOTTOM) / rows
    parts = [
        _text(_LEFT - 6, (row + 0.5) * high + 3.5, number(value), "end")
        for row, value in enumerate(shown.values)
        if rows <= _MOST_LABELS or row % 2 == 0
    ]
    parts += _cells(shown, (width - _LEFT) / columns, high)
    parts.append(_text(_LEFT, height - 4, count(shown.columns[0][0]), "start"))
    if columns > 1:
        parts.append(_text(width, height - 4, count(shown.columns[-1][1]), "end"))
    frame = f'<path class="grid" d="M{_LEFT:g} 0V{height - _BOTTOM:g}H{width}" stroke="#dfe3e8" fill="none"/>'
    told = escape(one_line(label, _LONGEST_TEXT))
    return (
        f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{told}" font-size="{_FONT}" font-family="sans-serif">{frame}{"".join(parts)}</svg>'
    )


def _cells(shown: HeatMap, wide: float, high: float) -> Iterator[str]:
    for row, column in np.argwhere(np.array(shown.shares) > _SOME).tolist():
        share = shown.shares[row][column]
        first, last = shown.columns[column]
        steps = f"step {count(first)}" if first == last else f"steps {count(first)} to {count(last)}"
        yield (
            f'<rect class="heat" x="{_LEFT + column * wide:.1f}" y="{row * high:.1f}" width="{wide:.1f}" height="{high:.1f}" '
            f'fill="{_COLOUR}" fill-opacity="{0.1 + 0.9 * share:.2f}">'
            f"<title>{escape(f'{steps}: {percent(share)} from {number(shown.values[row])}')}</title></rect>"
        )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text class="tick" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#56606b">{escape(text)}</text>'
