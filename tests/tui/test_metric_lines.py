"""Metrics followed snapshot after snapshot are what one look at the end would give."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.events import Metrics, RunStarted
from rldk_tui.run import RunSnapshot, RunStore
from rldk_tui.tui.metric_lines import MetricLine, MetricLines
from tests.builders import OURS

VALUES = st.lists(st.one_of(st.floats(-10, 10), st.sampled_from([math.nan, math.inf]), st.none()), min_size=1, max_size=60)


def taken(store: RunStore) -> RunSnapshot:
    return store.snapshot(0.0, (), store.pulse(process_alive=None))


def as_plain(line: MetricLine) -> tuple[object, ...]:
    shape = line.shape
    arrays = tuple(array.tobytes() for array in (shape.last_steps, shape.low, shape.high, shape.marks))
    return (*arrays, repr(line.latest), line.last_step, line.gap, line.not_finite, line.no_value, line.trend, line.pace)


@given(values=VALUES, looks=st.sets(st.integers(0, 60)), relaunch=st.one_of(st.none(), st.integers(1, 50)))
def test_however_often_it_was_looked_at(values: list[float | None], looks: set[int], relaunch: int | None) -> None:
    store, followed = RunStore("run"), MetricLines()
    store.add(RunStarted(time=0.0, schema_version=1, run_id="a", host="h", pid=1), OURS)
    step = 0
    for index, value in enumerate(values):
        if index == relaunch:
            step = step // 2
            store.add(RunStarted(time=1000.0, schema_version=1, run_id="b", host="h", pid=2, first_step=step), OURS)
        step += 1
        store.add(Metrics(time=float(index), step=step, values={"reward": value}), OURS)
        if index in looks:
            followed.update(taken(store))
    snapshot = taken(store)
    line = followed.update(snapshot)["reward"]
    assert as_plain(line) == as_plain(MetricLines().update(snapshot)["reward"])
    series = snapshot.series("reward")
    assert np.array_equal(line.shape.last_steps, series.steps)
    assert line.not_finite + line.no_value == series.unusable
    assert line.last_step == series.steps[-1]


def test_a_row_that_still_gets_values_is_drawn_as_it_stands() -> None:
    store, followed = RunStore("run"), MetricLines()
    store.add(RunStarted(time=0.0, schema_version=1, run_id="a", host="h", pid=1), OURS)
    store.add(Metrics(time=1.0, step=1, values={"reward": 1.0}), OURS)
    assert "kl" not in followed.update(taken(store))
    store.add(Metrics(time=1.0, step=1, values={"kl": 0.5}), OURS)
    assert followed.update(taken(store))["kl"].latest == 0.5
