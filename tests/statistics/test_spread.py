"""Spread that a few wild values do not move."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from rldk_tui.statistics.spread import lag_one, median_deviation, noise_about_trend, robust_spread


def test_deviation_by_hand() -> None:
    """The textbook's series: median 2, deviations 1 1 0 0 2 4 7, their median 1."""
    assert median_deviation(np.array([[1.0, 1.0, 2.0, 2.0, 4.0, 6.0, 9.0]]))[0] == 1.0


def test_spread_is_the_standard_deviation_of_normal_values_and_ignores_a_tenth_of_wild_ones() -> None:
    values = np.random.default_rng(3).normal(10.0, 2.0, size=(1, 4000))
    assert robust_spread(values)[0] == pytest.approx(2.0, rel=0.05)
    values[0, ::10] = 1e9
    assert robust_spread(values)[0] == pytest.approx(2.0, rel=0.25)


def test_the_floors_hold_where_nothing_varies() -> None:
    constant = np.full((1, 9), 5.0)
    assert robust_spread(constant)[0] == pytest.approx(0.1)
    assert robust_spread(constant, floor=3.0)[0] == 3.0
    assert robust_spread(np.zeros((1, 9)))[0] == 0.0


def test_lag_one_by_hand() -> None:
    """About the mean 0: 1 -1 1 -1 gives -3/4."""
    assert lag_one(np.array([[1.0, -1.0, 1.0, -1.0]]))[0] == pytest.approx(-0.75)
    assert lag_one(np.full((1, 4), 7.0))[0] == 0.0


def test_a_trend_is_no_noise() -> None:
    line = np.arange(50.0)[None]
    noisy = line + np.random.default_rng(1).normal(0, 3.0, size=(1, 50))
    assert noise_about_trend(line)[0] == pytest.approx(0.02 * 24.5), "only the floor is left"
    assert 1.5 < noise_about_trend(noisy)[0] < 6.0


def test_neighbours_that_resemble_each_other_make_it_wider() -> None:
    rng = np.random.default_rng(5)
    plain = rng.normal(size=(200, 50))
    walk = np.zeros((200, 150))
    for t in range(1, 150):
        walk[:, t] = 0.8 * walk[:, t - 1] + 0.6 * rng.normal(size=200)
    assert np.median(noise_about_trend(walk[:, 100:])) > 1.5 * np.median(noise_about_trend(plain))


def test_a_window_that_is_not_full_yet_counts_what_it_holds() -> None:
    values = np.random.default_rng(2).normal(size=20)
    padded = np.concatenate((np.full(30, np.nan), values))[None]
    assert noise_about_trend(padded)[0] == pytest.approx(noise_about_trend(values[None])[0])


def test_it_survives_the_largest_values() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(noise_about_trend(np.tile([1e100, -1e100], (2, 25)))).all()
