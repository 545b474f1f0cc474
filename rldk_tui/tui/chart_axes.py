"""The axes of a large chart: round numbers at their rows, round steps at their columns."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rldk_tui.charts.by_step import column_of
from rldk_tui.charts.format import count, number
from rldk_tui.charts.scale import Scale, ticks

_LARGEST = 1e150
"""Beyond it differences and their multiples are no longer finite."""
_LARGEST_POWER = 270.0
_ROWS_A_TICK = 4
_CELLS_A_TICK = 14
_NEAR = 0.5
"""Times the range of the values within which an end of the band widens the axis to show it."""


@dataclass(frozen=True, slots=True)
class ValueAxis:
    """From the floor to the top of a chart, in the numbers that are drawn: logarithms to base 10 where `log` is set."""

    low: float
    high: float
    log: bool

    @property
    def span(self) -> tuple[float, float]:
        """The values at the floor and at the top."""
        return self.low, self.high

    def row(self, value: float, rows: int) -> int | None:
        """The row of a value, 0 the lowest; None where it is outside."""
        drawn = math.log10(value) if self.log and value > 0 else value
        if (self.log and value <= 0) or not self.low <= drawn <= self.high:
            return None
        share = (drawn - self.low) / (self.high - self.low) if self.high > self.low else 0.0
        return min(rows - 1, int(share * rows))

    def labels(self, rows: int) -> dict[int, str]:
        """Numbers to write, by row."""
        if self.high <= self.low:
            return {0: number(self._value(self.low))}
        least = max(2, rows // _ROWS_A_TICK)
        chosen = [self._value(tick) for tick in ticks(Scale(self.low, self.high), least)]
        if self.log:
            chosen = [10.0**power for power in range(math.ceil(self.low), math.floor(self.high) + 1)]
            if len(chosen) < 2:
                chosen = [self._value(self.low), self._value(self.high)]
        placed = {row: number(value) for value in chosen if (row := self.row(value, rows)) is not None}
        return placed or {0: number(self._value(self.low)), rows - 1: number(self._value(self.high))}

    def _value(self, drawn: float) -> float:
        return 10.0**drawn if self.log else 0.0 if abs(drawn) < 1e-12 * max(abs(self.low), abs(self.high)) else drawn


def value_axis(low: float, high: float, near: tuple[float | None, ...], *, log: bool) -> ValueAxis:
    """An axis over these extremes, widened to what is worth seeing nearby.

    Args:
        low: The lowest value, as the number that is drawn.
        high: The highest one.
        near: Ends of the band, as values.
        log: Whether logarithms are drawn.
    """
    most = _LARGEST_POWER if log else _LARGEST
    low, high = min(max(-most, low), most), min(max(-most, high), most)
    reach = _NEAR * (high - low) if high > low else _NEAR * max(abs(low), abs(high), 1e-9)
    wanted = [math.log10(value) if log else value for value in near if value is not None and (value > 0 or not log)]
    shown = [value for value in wanted if low - reach <= value <= high + reach]
    bottom, top = min([low, *shown]), max([high, *shown])
    if bottom == top:
        air = abs(bottom) * 0.1 or 1.0
        bottom, top = bottom - air, top + air
    return ValueAxis(bottom, top, log)


def step_labels(window: tuple[int, int], cells: int) -> tuple[str, list[int]]:
    """The line of step numbers below a chart, and the cells at which its ticks stand."""
    first, last = window
    if last <= first:
        return count(first), [0]
    wanted = max(2, cells // _CELLS_A_TICK)
    round_steps = [int(tick) for tick in ticks(Scale(first, last), wanted) if tick == int(tick) and first <= tick <= last]
    text, places = "", []
    for step, at in zip(round_steps, column_of(np.array(round_steps), window, cells).tolist(), strict=True):
        label = count(step)
        begin = min(max(0, at - len(label) // 2), cells - len(label))
        if begin < len(text) + (2 if text else 0):
            continue
        text = text.ljust(begin) + label
        places.append(at)
    return text, places
