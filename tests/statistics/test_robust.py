"""The robust z against a plain loop, and however the series was cut."""

from __future__ import annotations

import math
import statistics
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.statistics.robust import Baseline, logarithm, logit, robust_z, signed_log1p
from rldk_tui.statistics.windows import NOTHING_YET, Floats
from tests.statistics.test_windows import CUTS, pieces

SERIES = st.lists(st.floats(-1e100, 1e100), max_size=40).map(np.array)


def by_hand(values: list[float], baseline: Baseline) -> list[float]:
    result = []
    for place, value in enumerate(values):
        end = place - baseline.gap + 1
        window = values[max(0, end - baseline.size) : max(0, end)]
        if len(window) < baseline.at_least:
            result.append(math.nan)
            continue
        middle = statistics.median(window)
        spread = 1.4826 * statistics.median(abs(entry - middle) for entry in window)
        result.append((value - middle) / max(spread, baseline.floor, baseline.relative * abs(middle)))
    return result


@pytest.mark.parametrize("baseline", [Baseline(8, 1, 4), Baseline(16, 5, 10, 0.3), Baseline(7, 3, 7, 0.01, 0.0)])
def test_it_is_what_a_loop_says(baseline: Baseline) -> None:
    values = np.random.default_rng(1).standard_t(3, size=200)
    found, _ = robust_z(values, NOTHING_YET, baseline)
    np.testing.assert_allclose(found.z, by_hand(values.tolist(), baseline), rtol=1e-12)


@given(SERIES, CUTS, st.integers(1, 8), st.integers(1, 5), st.booleans())
def test_it_is_the_same_however_the_series_was_cut(series: Floats, cuts: list[int], size: int, gap: int, some: bool) -> None:
    baseline = Baseline(size, gap, min(2, size), floor=0.5)
    whole, past_of_whole = robust_z(series, NOTHING_YET, baseline, series > 0 if some else None)
    past, parts = NOTHING_YET, []
    for piece in pieces(series, cuts):
        part, past = robust_z(piece, past, baseline, piece > 0 if some else None)
        parts.append(part.z)
    np.testing.assert_array_equal(np.concatenate(parts), whole.z)
    np.testing.assert_array_equal(past, past_of_whole)


def test_what_is_not_asked_for_is_not_told_but_counts_as_past() -> None:
    values = np.arange(40.0)
    every, _ = robust_z(values, NOTHING_YET, Baseline(8, 1, 4))
    some, _ = robust_z(values, NOTHING_YET, Baseline(8, 1, 4), values == 30.0)
    assert np.flatnonzero(~np.isnan(some.z)).tolist() == [30]
    assert some.z[30] == every.z[30]


def test_the_gap_keeps_an_episode_out_of_its_own_baseline() -> None:
    values = np.concatenate((np.random.default_rng(2).normal(size=30), np.full(5, 50.0)))
    far, _ = robust_z(values, NOTHING_YET, Baseline(8, 5, 8))
    near, _ = robust_z(values, NOTHING_YET, Baseline(8, 1, 8))
    assert far.z[-1] > 10 > near.z[-1]


def test_the_floors_hold_where_nothing_varies() -> None:
    values = np.array([10.0] * 20 + [11.0])
    found, _ = robust_z(values, NOTHING_YET, Baseline(16, 1, 8))
    assert found.z[-1] == pytest.approx(5.0), "2 % of the level"
    found, _ = robust_z(values, NOTHING_YET, Baseline(16, 1, 8, floor=0.5))
    assert found.z[-1] == pytest.approx(2.0)


def test_the_transforms() -> None:
    np.testing.assert_allclose(logarithm(np.array([1.0, math.e, 0.0])), [0.0, 1.0, math.log(1e-12)])
    np.testing.assert_allclose(signed_log1p(np.array([0.0, 1.0, -1.0])), [0.0, math.log(2), -math.log(2)])
    shares = logit(np.array([0.0, 0.5, 1.0, 1.5]), 8)
    assert shares[1] == 0.0
    assert shares[2] == -shares[0] == shares[3] == pytest.approx(math.log(17))


def test_no_value_is_too_large_for_it() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, _ = robust_z(np.tile([1e100, -1e100], 40), NOTHING_YET, Baseline(16, 3, 8))
    assert np.isfinite(found.z[20:]).all()
