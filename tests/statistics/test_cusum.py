"""The cumulative sum against a plain loop, against published run lengths, and however the series was cut."""

from __future__ import annotations

import math
import statistics
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.statistics.cusum import LONG, SHORT, CusumPast, Design, cusum
from rldk_tui.statistics.spread import lag_one
from rldk_tui.statistics.windows import Floats
from tests.statistics.test_windows import CUTS, pieces

SMALL = Design(size=5, allowance=0.5, limit=3.0, floor=0.1)


def by_hand(values: list[float], design: Design, direction: int) -> list[tuple[float, bool]]:
    """Sum and alarm at each value, one value at a time."""
    result: list[tuple[float, bool]] = []
    learning: list[float] = []
    middle = spread = total = math.nan
    alarmed = False
    for value in values:
        if len(learning) < design.size:
            learning.append(value)
            result.append((math.nan, False))
            if len(learning) == design.size:
                middle, total = statistics.median(learning), 0.0
                plain = 1.4826 * statistics.median(abs(entry - middle) for entry in learning)
                seen = min(max(float(lag_one(np.array([learning]))[0]) + 1 / design.size, 0.0), 0.95)
                spread = max(plain, design.floor, design.relative * abs(middle)) * math.sqrt((1 + seen) / (1 - seen))
            continue
        away = max(-design.winsor, min(design.winsor, direction * (value - middle) / spread)) - design.allowance
        total = min(total + away, design.limit) if alarmed else max(total + away, 0.0)
        ended = alarmed and total < design.limit / 2
        begun = not alarmed and total > design.limit
        result.append((total, (alarmed or begun) and not ended))
        if ended:
            learning, alarmed = [], False
        elif begun:
            total, alarmed = design.limit, True
    return result


@pytest.mark.parametrize(("design", "direction"), [(SMALL, 1), (SMALL, -1), (replace(SHORT, size=20), 1)])
def test_it_is_what_a_loop_says(design: Design, direction: int) -> None:
    """A series that wanders alarms and calms down many times."""
    values = np.random.default_rng(4).normal(size=3000).cumsum()
    found, _ = cusum(values, CusumPast(), design, direction)
    expected = by_hand(values.tolist(), design, direction)
    np.testing.assert_allclose(found.total, [total for total, _ in expected], atol=1e-3)
    assert found.alarm.tolist() == [alarm for _, alarm in expected]
    assert np.flatnonzero(np.diff(found.alarm.astype(int)) == 1).size > 3


@given(st.integers(0, 2000), st.lists(st.integers(0, 2000), max_size=6), st.integers(0, 9))
def test_it_is_the_same_however_the_series_was_cut(length: int, cuts: list[int], seed: int) -> None:
    series = np.random.default_rng(seed).normal(size=length).cumsum() / 3
    whole, past_of_whole = cusum(series, CusumPast(), SMALL, 1)
    past, parts = CusumPast(), []
    for piece in pieces(series, cuts):
        part, past = cusum(piece, past, SMALL, 1)
        parts.append(part)
    np.testing.assert_array_equal(np.concatenate([part.total for part in parts]), whole.total)
    np.testing.assert_array_equal(np.concatenate([part.alarm for part in parts]), whole.alarm)
    np.testing.assert_array_equal(np.concatenate([part.middle for part in parts]), whole.middle)
    assert repr(past) == repr(past_of_whole)


@given(st.lists(st.floats(-1e100, 1e100), max_size=40).map(np.array), CUTS)
def test_no_value_is_too_large_for_it(series: Floats, cuts: list[int]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, _ = cusum(series, CusumPast(), SMALL, 1)
    assert np.isfinite(found.total[5:]).sum() >= 0


@pytest.mark.parametrize(
    ("shift", "limit", "published"),
    [(0.0, 4.0, 336.0), (0.0, 5.0, 930.0), (1.0, 4.0, 8.34), (1.0, 5.0, 10.4)],
)
def test_run_lengths_are_the_published_ones(shift: float, limit: float, published: float) -> None:
    """One-sided run lengths of k = 0.5 with a known level (Montgomery's table; two sides have half of the first two)."""
    design = replace(LONG, allowance=0.5, limit=limit, winsor=1e9)
    rng = np.random.default_rng(8)
    known, lengths = CusumPast(middle=0.0, spread=1.0), []
    for _ in range(600):
        found, _ = cusum(rng.normal(shift, 1.0, size=int(12 * published)), known, design, 1)
        lengths.append(int(found.alarm.argmax()) + 1 if found.alarm.any() else found.alarm.size)
    assert statistics.mean(lengths) == pytest.approx(published, rel=0.12)


def test_it_sees_a_shift_soon_and_only_in_its_direction() -> None:
    rng = np.random.default_rng(5)
    delays = []
    for _ in range(40):
        values = rng.normal(size=400)
        values[200:] += 3.0
        up, _ = cusum(values, CusumPast(), LONG, 1)
        down, _ = cusum(values, CusumPast(), LONG, -1)
        assert not up.alarm[:200].any()
        assert not down.alarm.any()
        delays.append(int(up.alarm.argmax()) - 199)
    assert statistics.median(delays) <= 9, "the catalogue measured 9 with correlated noise"


def test_the_alarm_ends_when_the_level_has_come_back_and_the_baseline_is_learned_anew() -> None:
    values = np.random.default_rng(6).normal(size=600)
    values[200:300] += 4.0
    found, _ = cusum(values, CusumPast(), LONG, 1)
    began, ended = np.flatnonzero(np.diff(found.alarm.astype(int)))
    assert 199 < began < 210
    assert 299 < ended < 315
    assert np.isnan(found.total[ended + 2])
    assert np.isfinite(found.total[ended + 2 + LONG.size])
