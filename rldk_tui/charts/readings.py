"""What a page's script needs to tell the values of a chart: numbers as attributes of its SVG, written as people read them."""

from __future__ import annotations

from collections.abc import Iterable

from rldk_tui.charts.format import number
from rldk_tui.charts.scale import Scale

_DIGITS = 4


def frame_attributes(box: tuple[float, float, float, float], steps: tuple[int, int], values: Scale) -> str:
    """How steps and values map into the picture.

    Args:
        box: Left, top, right and bottom of the inner box in user units.
        steps: At its left and right edge.
        values: At its bottom and top.
    """
    edges = " ".join(f"{edge:g}" for edge in box)
    return f' data-box="{edges}" data-axis="{steps[0]} {steps[1]}" data-scale="{values.low!r} {values.high!r}"'


def series_attributes(points: Iterable[tuple[int, float | None]]) -> str:
    """A line's own steps, each as its distance from the one before, and values; `None`, `nan` and `inf` are told as such."""
    steps: list[str] = []
    values: list[str] = []
    before = 0
    for step, value in points:
        steps.append(str(step - before))
        values.append("None" if value is None else number(value, _DIGITS))
        before = step
    return f' data-steps="{" ".join(steps)}" data-values="{" ".join(values)}"'


def around_attributes(around: Iterable[tuple[float, float, int]]) -> str:
    """The lowest and the highest value of the stretch of each median, and how many values in it were no numbers."""
    rows = tuple(around)
    ends = " ".join(f"{number(low, _DIGITS)} {number(high, _DIGITS)}" for low, high, _ in rows)
    return f' data-around="{ends}" data-odd="{" ".join(str(odd) for _, _, odd in rows)}"'
