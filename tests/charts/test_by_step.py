"""A series laid out along its steps keeps its extremes, its marks and its holes."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.charts.by_step import along_steps
from rldk_tui.charts.columns import Columns
from rldk_tui.charts.growing import NO_VALUE, NOT_FINITE

VALUES = st.one_of(st.floats(-1e300, 1e300), st.sampled_from([math.nan, math.inf, -math.inf]), st.none())


def laid_out(logged: dict[int, float | None], window: tuple[int, int], columns: int) -> Columns:
    steps = np.array(sorted(logged), np.int64)
    values = np.array([math.nan if logged[step] is None else logged[step] for step in steps.tolist()], np.float64)
    none = np.array([logged[step] is None for step in steps.tolist()], bool)
    return along_steps(steps, values, none, window, columns)


@given(
    logged=st.dictionaries(st.integers(0, 10_000), VALUES, max_size=60),
    first=st.integers(0, 5000),
    width=st.integers(0, 9000),
    columns=st.integers(1, 40),
)
def test_nothing_in_the_window_is_lost(logged: dict[int, float | None], first: int, width: int, columns: int) -> None:
    drawn = laid_out(logged, (first, first + width), columns)
    inside = [value for step, value in logged.items() if first <= step <= first + width]
    finite = [value for value in inside if value is not None and math.isfinite(value)]
    assert len(drawn) == columns
    assert drawn.span() == ((min(finite), max(finite)) if finite else None)
    assert bool((drawn.marks & NO_VALUE).any()) == any(value is None for value in inside)
    assert bool((drawn.marks & NOT_FINITE).any()) == any(value is not None and not math.isfinite(value) for value in inside)


def test_logs_of_the_usual_distance_are_joined_and_a_pause_is_a_hole() -> None:
    logged: dict[int, float | None] = {step: float(step) for step in (*range(0, 101, 10), *range(500, 601, 10))}
    known = ~np.isnan(laid_out(logged, (0, 600), 601).low)
    assert known[:101].all()
    assert not known[101:500].any()
    assert known[500:].all()


def test_what_was_no_number_is_not_bridged_over() -> None:
    drawn = laid_out({0: 1.0, 10: math.nan, 20: 1.0}, (0, 20), 21)
    assert drawn.marks[10] == NOT_FINITE
    assert math.isnan(drawn.low[10])
