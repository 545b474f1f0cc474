"""Rolling windows do not depend on how a series was cut."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n, median, rolling_mean, rolling_median, windows

SERIES = st.lists(st.floats(-1e308, 1e308), max_size=30).map(np.array)
CUTS = st.lists(st.integers(0, 30), max_size=5)


def pieces(series: Floats, cuts: list[int]) -> list[Floats]:
    edges = sorted({0, series.size, *(min(cut, series.size) for cut in cuts)})
    return [series[low:high] for low, high in pairwise(edges)] or [series]


@given(SERIES, CUTS, st.integers(1, 8))
def test_a_rolling_median_is_the_same_however_the_series_was_cut(series: Floats, cuts: list[int], size: int) -> None:
    whole, past_of_whole = rolling_median(series, NOTHING_YET, size)
    past, parts = NOTHING_YET, []
    for piece in pieces(series, cuts):
        part, past = rolling_median(piece, past, size)
        parts.append(part)
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    np.testing.assert_array_equal(past, past_of_whole)


@given(SERIES, CUTS, st.integers(1, 6), st.integers(1, 6))
def test_persistence_is_the_same_however_the_series_was_cut(series: Floats, cuts: list[int], m: int, n: int) -> None:
    flags = series > 0
    whole, _ = m_of_n(flags, NOTHING_YET, m, n)
    past, parts = NOTHING_YET, []
    for piece in pieces(series, cuts):
        part, past = m_of_n(piece > 0, past, m, n)
        parts.append(part)
    assert np.concatenate(parts).tolist() == whole.tolist()
    assert whole.tolist() == [flags[max(0, i - n + 1) : i + 1].sum() >= m for i in range(flags.size)]


@given(st.lists(st.floats(-1e100, 1e100), min_size=1, max_size=9))
def test_the_median_is_numpys(values: list[float]) -> None:
    padded = np.array([[np.nan, *values]])
    assert median(padded)[0] == pytest.approx(np.median(values), rel=1e-15, abs=1e-300)


def test_no_value_is_too_large_for_the_median() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert median(np.array([[1.7e308, 1.7e308]]))[0] == 1.7e308


def test_a_window_says_nothing_before_it_holds_enough() -> None:
    result, _ = rolling_mean(np.array([1.0, 2.0, 3.0]), NOTHING_YET, 3, at_least=2)
    np.testing.assert_array_equal(result, [np.nan, 1.5, 2.0])


def test_no_new_values_leave_the_past_as_it_was() -> None:
    view, past = windows(np.empty(0), np.array([1.0]), 5)
    assert view.shape == (0, 5)
    assert past.tolist() == [1.0]
