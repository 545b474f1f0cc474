"""Metrics as small charts with their numbers: what several sections are made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from rldk_tui.charts.line_chart import LineChart
from rldk_tui.charts.trend import trend_of
from rldk_tui.metrics import Direction, lookup, title
from rldk_tui.report.figures import metric_chart, step_axis
from rldk_tui.run import Kind, MetricSeries
from rldk_tui.session import RunHealth

MOST_DRAWN = 72
"""Metrics of a section with a chart; the others are listed with their numbers."""
GIB = 1024.0**3
_LONG_SILENT = 3
"""Multiples of its own pace after which a metric has stopped arriving."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricCard:
    """One metric.

    Attributes:
        latest: None where None was logged last.
        low, high: Over its finite values; None without any.
        change: Rise of the straight line through the last 100 logs, per 100 logs; None without enough of them.
        clear: Whether that rise is more than their scatter.
        wanted: The direction it takes in a run that goes well.
        band: Its normal values in words; None where nobody has said.
        inside: Whether the latest value is in the band; None without either.
        not_finite, none: How many values were NaN or infinite, and how many None.
        last_seen: The step of its last log, where it has stopped arriving; else None.
        note: What it is often mistaken for.
    """

    name: str
    title: str
    unit: str
    latest: float | None
    low: float | None
    high: float | None
    change: float | None
    clear: bool
    wanted: Direction
    band: str | None
    inside: bool | None
    not_finite: int
    none: int
    last_seen: int | None
    note: str
    chart: LineChart | None


@dataclass(frozen=True, slots=True)
class Cards:
    """Some metrics of a run.

    Attributes:
        drawn: Those with a chart.
        constant: Those that had one value all the time and that no finding tells of.
        same: Those that had the same values at the same steps as one before them, with its title.
        listed: Logged once, never a number, or beyond what a page can hold.
        dense: Whether some charts show medians over extremes.
    """

    drawn: tuple[MetricCard, ...]
    constant: tuple[MetricCard, ...]
    same: tuple[tuple[MetricCard, str], ...]
    listed: tuple[MetricCard, ...]
    dense: bool

    def __bool__(self) -> bool:
        return bool(self.drawn or self.constant or self.same or self.listed)


def cards_of(health: RunHealth, names: Iterable[str], most: int = MOST_DRAWN) -> Cards:
    """The cards of these metrics in this order."""
    everything = [_readable(series) for name in names if len(series := health.snapshot.series(name))]
    _, end = step_axis(health.snapshot)
    told = {finding.metric for finding in health.findings}
    flat = {series.name for series in everything if _is_flat(series) and series.name not in told}
    moving = [series for series in everything if series.name not in flat and _moves(series)]
    same = {name: first for name, first in _twins(moving).items() if name not in told}
    drawn = set([series.name for series in moving if series.name not in same][:most])
    cards = [_card(series, health, end, drawn=series.name in drawn) for series in everything]
    elsewhere = drawn | flat | set(same)
    return Cards(
        drawn=tuple(card for card in cards if card.name in drawn),
        constant=tuple(card for card in cards if card.name in flat),
        same=tuple((card, title(same[card.name])) for card in cards if card.name in same),
        listed=tuple(card for card in cards if card.name not in elsewhere),
        dense=any(card.chart is not None and card.chart.middle for card in cards),
    )


def _moves(series: MetricSeries) -> bool:
    """Whether there is something to draw: two logs, and not None in all of them."""
    return len(series) > 1 and bool(np.any(series.kinds != Kind.NULL))


def _twins(everything: list[MetricSeries]) -> dict[str, str]:
    """Of each series that says what one before it says, the name of that one."""
    firsts: dict[tuple[bytes, bytes], str] = {}
    found = {
        series.name: firsts.setdefault((series.steps.tobytes(), series.values.tobytes()), series.name) for series in everything
    }
    return {name: first for name, first in found.items() if name != first}


def _readable(series: MetricSeries) -> MetricSeries:
    """Memory is measured in bytes; people read GiB."""
    return replace(series, unit="GiB", values=series.values / GIB) if series.unit == "B" else series


def _is_flat(series: MetricSeries) -> bool:
    """Logged more than once, always as the same finite number."""
    return len(series) > 1 and not series.unusable and bool(series.values.min() == series.values.max())


def _card(series: MetricSeries, health: RunHealth, end: int, *, drawn: bool) -> MetricCard:
    row = lookup(series.name)
    band = health.band(series.name)
    finite = series.values[series.kinds == Kind.FINITE]
    latest = series.latest
    trend = trend_of(series.values)
    comparable = band is not None and latest is not None and bool(np.isfinite(latest))
    return MetricCard(
        name=series.name,
        title=title(series.name),
        unit=series.unit,
        latest=latest,
        low=float(finite.min()) if finite.size else None,
        high=float(finite.max()) if finite.size else None,
        change=None if trend is None else trend.change,
        clear=trend is not None and trend.clear,
        wanted=row.direction,
        band=None if band is None else str(band),
        inside=band.holds(latest) if comparable and band is not None and latest is not None else None,
        not_finite=int(np.count_nonzero(series.kinds == Kind.NONFINITE)),
        none=int(np.count_nonzero(series.kinds == Kind.NULL)),
        last_seen=_last_seen(series, end),
        note=row.note,
        chart=metric_chart(series, health) if drawn else None,
    )


def _last_seen(series: MetricSeries, end: int) -> int | None:
    """The step of the last log, if more logs are missing since than its own pace explains."""
    if len(series) < 2:
        return None
    pace = max(1, int(np.median(np.diff(series.steps))))
    last = int(series.steps[-1])
    return last if end - last > _LONG_SILENT * pace else None
