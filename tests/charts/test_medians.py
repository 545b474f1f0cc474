"""Medians of stretches."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.charts.medians import around, medians


def test_each_stretch_has_its_median_at_its_middle() -> None:
    steps, values = medians(np.arange(9), np.array([1.0, 9, 2, 5, 5, 6, math.nan, 3, math.inf]), 3)
    assert steps.tolist() == [1, 4, 7]
    assert values.tolist() == [2.0, 5.0, 3.0]


def test_a_stretch_without_a_number_has_none() -> None:
    _, values = medians(np.arange(4), np.array([1.0, 2.0, math.nan, math.inf]), 2)
    assert values[0] == 1.5
    assert math.isnan(values[1])


@given(st.lists(st.floats(), max_size=300), st.integers(1, 80))
def test_no_more_than_asked_and_all_within_the_series(values: list[float], stretches: int) -> None:
    steps, middle = medians(np.arange(len(values)), np.array(values), stretches)
    assert len(steps) == len(middle) <= stretches
    assert (np.diff(steps) > 0).all()
    finite = [value for value in values if math.isfinite(value)]
    known = middle[~np.isnan(middle)]
    assert all(min(finite) <= value <= max(finite) for value in known)


def test_what_lies_around_a_median_is_of_its_own_stretch() -> None:
    low, high, odd = around(np.array([1.0, 9, 2, 5, 5, math.inf, math.nan, math.nan]), 3)
    np.testing.assert_equal(low, [1.0, 5.0, math.nan])
    np.testing.assert_equal(high, [9.0, 5.0, math.nan])
    assert odd.tolist() == [0, 1, 2]
    assert around(np.empty(0))[2].size == 0
