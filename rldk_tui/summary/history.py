"""A run's history as one table: a row a step, a column a metric, for anybody's notebook."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from rldk_tui.events import strict
from rldk_tui.run import Kind, MetricSeries, RunSnapshot

_LINES = 4096
"""Rows that are made lines of at once."""


def _series(snapshot: RunSnapshot) -> list[MetricSeries]:
    return [series for name in snapshot.metric_names() if len(series := snapshot.series(name))]


def history(snapshot: RunSnapshot) -> pl.DataFrame:
    """The run's metrics, launches joined as every face shows them: where they overlap, the later one's values.

    Returns:
        `step`; `time`, Unix seconds of the step's first log, null where no source has a clock; `launch`, the number of the
        launch that logged the step last, from 1; then every metric by its canonical name, `eval/` and `final/` in front of
        those phases. A number that is not finite is NaN or infinite; null is "not logged" and Python's None.
    """
    all_series = _series(snapshot)
    steps: NDArray[np.int64] = np.unique(np.concatenate([np.empty(0, np.int64), *(series.steps for series in all_series)]))
    times, columns = np.full(steps.size, np.nan), {}
    for series in all_series:
        at = np.searchsorted(steps, series.steps)
        times[at] = np.fmin(times[at], series.times)
        values, known = np.zeros(steps.size), np.zeros(steps.size, bool)
        values[at], known[at] = series.values, series.kinds != Kind.NULL
        columns[series.name] = _with_nulls(values, known)
    facts = {"step": pl.Series(steps), "time": _with_nulls(times, ~np.isnan(times)), "launch": _launches(snapshot, steps)}
    return pl.DataFrame([column.alias(name) for name, column in (facts | columns).items()])


def _with_nulls(values: NDArray[np.float64], known: NDArray[np.bool_]) -> pl.Series:
    if known.all():
        return pl.Series(values)
    return pl.select(pl.when(pl.Series(known)).then(pl.Series(values))).to_series()


def _launches(snapshot: RunSnapshot, steps: NDArray[np.int64]) -> pl.Series:
    launches = np.zeros(steps.size, np.int32)
    for number, segment in enumerate(snapshot.segments, start=1):
        at = np.searchsorted(steps, segment.rows.steps)
        there = at < steps.size
        there[there] = steps[at[there]] == segment.rows.steps[there]
        launches[at[there]] = number
    return pl.Series(launches)


def lines(snapshot: RunSnapshot) -> Iterator[bytes]:
    """The same as strict JSON lines, where nothing is lost.

    A key that was not logged is absent, null is Python's None, and a number that is not finite is the text "nan", "inf" or
    "-inf", as in our event log.
    """
    table = history(snapshot)
    kinds = {
        series.name: dict(zip(series.steps.tolist(), series.kinds.tolist(), strict=True)) for series in _with_none(snapshot)
    }
    encode = msgspec.json.Encoder().encode
    for start in range(0, table.height, _LINES):
        made = []
        for row in table.slice(start, _LINES).iter_rows(named=True):
            step = row["step"]
            said = {
                name: value for name, value in row.items() if value is not None or kinds.get(name, {}).get(step) == Kind.NULL
            }
            made.append(encode(strict(said)) + b"\n")
        yield b"".join(made)


def _with_none(snapshot: RunSnapshot) -> list[MetricSeries]:
    return [series for series in _series(snapshot) if (series.kinds == Kind.NULL).any()]
