"""A mean difference against its noise."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from rldk_tui.statistics.paired_bootstrap import FEWEST, mean_difference


def resembling(rng: np.random.Generator, size: int, memory: float) -> NDArray[np.float64]:
    values = rng.normal(size=size + 200)
    for index in range(1, values.size):
        values[index] += memory * values[index - 1]
    return values[200:]


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.8])
def test_noise_is_seldom_taken_for_a_difference(memory: float) -> None:
    rng = np.random.default_rng(3)
    found = [mean_difference(resembling(rng, 100, memory)) for _ in range(100)]
    assert sum(one is not None and one.clear for one in found) <= 4


def test_a_shift_is_found_and_a_growing_distance_too() -> None:
    rng = np.random.default_rng(4)
    for values in (rng.normal(1.0, 1.0, 100), rng.normal(0.0, 0.3, 100) + np.linspace(0.5, 2.0, 100)):
        found = mean_difference(values)
        assert found is not None
        assert found.clear
        assert found.low < found.mean < found.high


def test_the_interval_holds_the_true_mean() -> None:
    rng = np.random.default_rng(5)
    found = [mean_difference(rng.normal(0.3, 1.0, 60)) for _ in range(100)]
    assert sum(one is not None and one.low <= 0.3 <= one.high for one in found) >= 97


def test_what_cannot_tell_says_nothing() -> None:
    assert mean_difference(np.zeros(FEWEST - 1)) is None
    assert mean_difference(np.cumsum(np.random.default_rng(6).normal(size=60))) is None


def test_equal_constant_and_huge_series() -> None:
    same = mean_difference(np.zeros(50))
    assert same is not None
    assert not same.clear
    constant = mean_difference(np.full(50, 2.0))
    assert constant is not None
    assert constant.clear
    huge = mean_difference(np.random.default_rng(7).normal(size=50) * 1e300)
    assert huge is not None
    assert np.isfinite([huge.low, huge.mean, huge.high]).all()


def test_it_says_the_same_again() -> None:
    values = np.random.default_rng(8).normal(size=80)
    assert mean_difference(values) == mean_difference(values.copy())
