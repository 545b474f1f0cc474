"""The distribution of a quantity over time, as cells and as a picture."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rldk_tui.charts.heat_map import heat_lines, heat_map, heat_svg

Floats = NDArray[np.float64]


def test_few_values_have_a_row_each() -> None:
    shown = heat_map([1, 2], [np.array([0.0, 1.0, 1.0, 1.0]), np.array([0.0, 0.0])], 5, 10)
    assert shown is not None
    assert shown.values == (1.0, 0.0)
    assert shown.exact
    assert shown.shares == ((0.75, 0.0), (0.25, 1.0))
    assert shown.columns == ((1, 1), (2, 2))


def test_many_steps_share_columns() -> None:
    shown = heat_map(list(range(100)), [np.array([float(step)]) for step in range(100)], 4, 10)
    assert shown is not None
    assert not shown.exact
    assert shown.columns[0] == (0, 9)
    assert shown.values == pytest.approx((74.25, 49.5, 24.75, 0.0))


def test_one_far_value_does_not_flatten_the_rest() -> None:
    values = np.append(np.linspace(0, 1, 999), 1e9)
    shown = heat_map([1, 2], [values, values], 5, 5)
    assert shown is not None
    assert shown.values[0] < 2


def test_nothing_finite_is_no_map() -> None:
    assert heat_map([], [], 5, 5) is None
    assert heat_map([1], [np.array([math.nan, math.inf])], 5, 5) is None


@given(
    st.lists(st.lists(st.floats(), max_size=6).map(np.array), min_size=1, max_size=12),
    st.integers(1, 6),
    st.integers(1, 6),
)
def test_any_values_can_be_drawn(values: list[Floats], rows: int, columns: int) -> None:
    shown = heat_map(list(range(len(values))), [value.astype(float) for value in values], rows, columns)
    if shown is None:
        return
    assert len(shown.values) <= rows
    assert len(shown.columns) <= columns
    totals = np.array(shown.shares).sum(axis=0)
    assert np.all((np.abs(totals - 1) < 1e-9) | (totals == 0))
    for plain in (True, False):
        drawn = [cells for _, cells in heat_lines(shown, 20, ascii=plain)]
        assert all(len(cells) <= 20 for cells in drawn)
        assert not plain or all(cells.isascii() for cells in drawn)
    ElementTree.fromstring(heat_svg(shown, 'a "label" <b>', 300, 100))  # noqa: S314 - ours
