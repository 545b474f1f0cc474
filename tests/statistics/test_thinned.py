"""A long series as a few means."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.statistics.thinned import MOST, ThinnedPast, means, thinned


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 5000])
def test_means_of_equal_stretches(size: int) -> None:
    values = np.random.default_rng(0).normal(size=size)
    past = thinned(values, ThinnedPast())
    stretch = past.stretch
    full = values[: size // stretch * stretch].reshape(-1, stretch).mean(axis=1)
    assert means(past).size <= MOST
    assert size < 2 or means(past).size >= min(size, MOST // 2)
    np.testing.assert_allclose(means(past), full, atol=1e-12)


@pytest.mark.parametrize("cuts", [[1, 2, 300], [256], [255, 257, 258, 2000], list(range(1, 3000, 7))])
def test_however_it_is_cut(cuts: list[int]) -> None:
    values = np.random.default_rng(1).normal(size=3000)
    past = ThinnedPast()
    for part in np.split(values, cuts):
        past = thinned(part, past)
    whole = thinned(values, ThinnedPast())
    assert (past.stretch, past.seen, past.total) == (whole.stretch, whole.seen, whole.total)
    np.testing.assert_array_equal(past.sums, whole.sums)
