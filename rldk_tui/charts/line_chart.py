"""A line chart as data: what to draw, for whatever draws it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shade:
    """A stretch of steps that is set off, with the words that say why."""

    first: int
    last: int
    tone: str
    label: str


@dataclass(frozen=True, slots=True)
class Beside:
    """The course of the same quantity elsewhere, drawn beside the series.

    Attributes:
        label: What it is called.
        steps, values: As long as each other; a value that is not finite breaks the line.
    """

    label: str
    steps: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChart:
    """What there is to draw.

    Attributes:
        label: What the chart shows, for whoever cannot see it.
        steps: Not falling.
        values: None where None was logged, NaN or ±inf where that was.
        first, last: The step axis, which may be wider than the series.
        limit: Drawn and labelled; the value axis is widened to show it.
        band: Values that are normal, an open end as None; shaded as far as the axis goes.
        breaks: Steps at which a later launch took over.
        middle: Steps and values of its course where the series is too dense to be read; drawn over the series, which
            then is pale.
        around: Of each of those the lowest and the highest value of its stretch, and how many were not finite.
        beside: Other runs' courses of it, each in a colour of its own; the value axis is widened to show them.
        name: What the series is called beside those.
        along: What a place on the axis is, where it is no step.
    """

    label: str
    unit: str
    steps: tuple[int, ...]
    values: tuple[float | None, ...]
    first: int
    last: int
    limit: float | None = None
    band: tuple[float | None, float | None] | None = None
    shades: tuple[Shade, ...] = ()
    breaks: tuple[int, ...] = ()
    middle: tuple[tuple[int, float], ...] = ()
    around: tuple[tuple[float, float, int], ...] = ()
    beside: tuple[Beside, ...] = ()
    name: str = ""
    along: str = "step"
