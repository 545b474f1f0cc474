import numpy as np

from rldk_tui.charts.trend import trend_of


def test_a_ramp_rises_by_what_it_rose() -> None:
    trend = trend_of(np.linspace(0.0, 0.39, 40))
    assert trend is not None
    assert trend.clear
    assert round(trend.change, 6) == 0.39
    assert trend.logs == 40


def test_noise_has_no_clear_trend() -> None:
    trend = trend_of(np.random.default_rng(0).normal(size=100))
    assert trend is not None
    assert not trend.clear


def test_a_flat_series_has_no_clear_trend() -> None:
    trend = trend_of(np.full(50, 0.1))
    assert trend is not None
    assert not trend.clear


def test_too_few_numbers_have_none() -> None:
    assert trend_of(np.array([1.0, np.nan, 2.0, np.inf])) is None
    assert trend_of(np.empty(0)) is None
