import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.charts.growing import NO_VALUE, NOT_FINITE, GrowingShape

VALUES = st.lists(
    st.one_of(st.floats(-1e6, 1e6), st.sampled_from([np.nan, np.inf, -np.inf]), st.none()), min_size=1, max_size=200
)


def grown(values: list[float | None], cuts: list[int]) -> GrowingShape:
    growing = GrowingShape(stretches=4)
    none = np.array([value is None for value in values])
    plain = np.array([np.nan if value is None else value for value in values])
    steps = np.arange(len(values))
    edges = sorted({0, len(values), *(cut % len(values) for cut in cuts)})
    for start, end in itertools.pairwise(edges):
        growing.extend(steps[start:end], plain[start:end], none[start:end])
    return growing


@given(values=VALUES, cuts=st.lists(st.integers(0, 200)))
def test_the_shape_tells_the_truth_however_the_values_came(values: list[float | None], cuts: list[int]) -> None:
    growing = grown(values, cuts)
    shape = growing.shape()
    assert len(shape) <= 8
    assert shape.last_steps[-1] == len(values) - 1
    start = 0
    for index, last in enumerate(shape.last_steps):
        part = values[start : int(last) + 1]
        finite = [value for value in part if value is not None and np.isfinite(value)]
        assert (shape.low[index] == min(finite)) if finite else np.isnan(shape.low[index])
        assert (shape.high[index] == max(finite)) if finite else np.isnan(shape.high[index])
        assert bool(shape.marks[index] & NO_VALUE) == (None in part)
        assert bool(shape.marks[index] & NOT_FINITE) == (len(finite) + part.count(None) < len(part))
        start = int(last) + 1
    assert growing.count == len(values)
    assert growing.no_value == values.count(None)


def test_a_million_rows_at_once_and_one_by_one_fit_the_same_room() -> None:
    growing = GrowingShape()
    steps = np.arange(1_000_000)
    growing.extend(steps, np.sin(steps / 1000), np.zeros(steps.size, bool))
    for step in range(1_000_000, 1_000_100):
        growing.extend(np.array([step]), np.array([9.0]), np.array([False]))
    shape = growing.shape()
    assert len(shape) <= 1024
    assert shape.high[-1] == 9.0


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 16])
def test_it_never_takes_more_room_than_promised(chunk: int) -> None:
    growing = GrowingShape(stretches=4)
    for start in range(0, 200, chunk):
        steps = np.arange(start, start + chunk)
        growing.extend(steps, np.zeros(chunk), np.zeros(chunk, bool))
        assert len(growing.shape()) <= 8
