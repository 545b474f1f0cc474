"""Trend: by hand, by simulation, and however the series was cut."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.statistics.trend import MATERIAL, SIGNIFICANT, DirectionPast, _variance, directions, rolling_direction, trends
from rldk_tui.statistics.windows import Floats
from tests.statistics.test_windows import pieces


def autocorrelated(phi: float, shape: tuple[int, int], seed: int) -> Floats:
    noise = np.random.default_rng(seed).normal(size=(shape[0], shape[1] + 100))
    series = np.zeros_like(noise)
    for t in range(1, series.shape[1]):
        series[:, t] = phi * series[:, t - 1] + np.sqrt(1 - phi**2) * noise[:, t]
    return series[:, 100:]


def rejected(windows: Floats) -> float:
    """The share of windows with a trend at p < 0.01."""
    return float((np.abs(trends(windows).z) > 2.576).mean())


def test_score_and_slope_by_hand() -> None:
    """Pairs of 5 6 11 8 10: eight rise, two fall, so S = 6; the ten slopes have the median (1 + 5/4) / 2."""
    found = trends(np.array([[5.0, 6.0, 11.0, 8.0, 10.0]]))
    assert found.slope[0] == pytest.approx(1.125)
    # What the slope leaves over correlates by -0.43 from value to value, which widens nothing: sqrt(5*4*15/18) is the spread.
    assert found.z[0] == pytest.approx(5 / np.sqrt(50 / 3))


def test_ties_shrink_the_variance_as_kendall_says() -> None:
    # Two groups of ties, of 3 and of 2, in n = 7: [7*6*19 - 3*2*11 - 2*1*9] / 18.
    assert _variance(np.array([[1.0, 1.0, 1.0, 2.0, 2.0, 3.0, 4.0]]))[0] == pytest.approx((798 - 66 - 18) / 18)


@pytest.mark.parametrize(("phi", "most"), [(0.0, 0.02), (0.3, 0.03), (0.6, 0.045), (0.9, 0.09)])
def test_it_sees_hardly_any_trend_where_there_is_none(phi: float, most: float) -> None:
    """The plain test sees one in 1, 5, 18 and 52 % of these windows."""
    assert rejected(autocorrelated(phi, (1500, 64), 7)) <= most


def test_it_sees_a_ramp_of_five_standard_deviations() -> None:
    ramps = autocorrelated(0.3, (200, 64), 11) + np.linspace(0, 5, 64)
    assert (directions(ramps) == 1).mean() > 0.98


@pytest.mark.parametrize("phi", [0.0, 0.6, 0.9])
def test_leaving_out_the_slope_where_there_is_no_trend_changes_nothing(phi: float) -> None:
    windows = autocorrelated(phi, (400, 48), 3) + np.linspace(0, 4, 48) * (np.arange(400) % 3)[:, None]
    windows[::5] = np.round(windows[::5])  # ties
    found = trends(windows)
    believed = (np.abs(found.z) > SIGNIFICANT) & (np.abs(found.slope) * 48 >= MATERIAL * found.deviation)
    np.testing.assert_array_equal(directions(windows), np.where(believed, np.sign(found.slope), 0.0))
    assert 0 < believed.sum() < 400


def test_it_says_nothing_before_the_first_test_and_tests_at_every_32nd_value() -> None:
    rising, _ = rolling_direction(np.arange(70.0), DirectionPast())
    assert np.isnan(rising[:31]).all()
    assert (rising[31:] == 1).all()
    turned, _ = rolling_direction(np.concatenate((np.arange(64.0), -np.arange(128.0))), DirectionPast())
    assert turned[64] == 1, "the last word holds until the next test"
    assert turned[-1] == -1


@given(st.integers(0, 200), st.lists(st.integers(0, 200), max_size=6), st.integers(0, 9))
def test_a_direction_is_the_same_however_the_series_was_cut(length: int, cuts: list[int], seed: int) -> None:
    series = np.random.default_rng(seed).normal(size=length).cumsum()
    whole, past_of_whole = rolling_direction(series, DirectionPast())
    past, parts = DirectionPast(), []
    for piece in pieces(series, cuts):
        part, past = rolling_direction(piece, past)
        parts.append(part)
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert past.seen == past_of_whole.seen
    np.testing.assert_array_equal(past.values, past_of_whole.values)


@pytest.mark.parametrize("value", [0.0, 1e308, -1e308, 5e-324])
def test_a_constant_has_no_direction_and_warns_of_nothing(value: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, _ = rolling_direction(np.full(100, value), DirectionPast())
        wild, _ = rolling_direction(np.tile([1e308, -1e308], 50), DirectionPast())
    assert found[-1] == 0
    assert wild[-1] == 0
