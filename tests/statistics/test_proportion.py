"""Wilson's interval against its published values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.statistics.proportion import wilson


@pytest.mark.parametrize(
    ("hits", "cases", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_newcombes_table(hits: int, cases: int, low: float, high: float) -> None:
    """Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998), table I."""
    lower, upper = wilson(np.array([hits / cases]), np.array([float(cases)]))
    assert lower[0] == pytest.approx(low, abs=5e-5)
    assert upper[0] == pytest.approx(high, abs=5e-5)


@given(st.integers(0, 50), st.integers(1, 50))
def test_it_holds_the_share_and_stays_inside(hits: int, misses: int) -> None:
    share = hits / (hits + misses)
    lower, upper = wilson(np.array([share]), np.array([float(hits + misses)]))
    assert 0.0 <= lower[0] <= share + 1e-12
    assert share - 1e-12 <= upper[0] <= 1.0


def test_without_cases_nothing_is_known() -> None:
    lower, upper = wilson(np.array([np.nan, 0.5, 0.75]), np.array([4.0, 0.0, np.nan]))
    assert lower.tolist() == [0.0] * 3
    assert upper.tolist() == [1.0] * 3
