"""Rank correlation within groups, against a loop and under the null."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.statistics.rank import NOTHING, spearman_within

PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(0, 3)), min_size=1, max_size=40)


def ranks(values: list[float]) -> list[float]:
    return [sum(other < value for other in values) + (sum(other == value for other in values) + 1) / 2 for value in values]


def by_hand(rows: list[tuple[int, int, int]]) -> float:
    """The pooled correlation by definition; NaN where nothing can be ranked."""
    total = weights = 0.0
    for group in {row[2] for row in rows}:
        members = [row for row in rows if row[2] == group]
        one, other = (np.array(ranks([float(row[place]) for row in members])) for place in (0, 1))
        if len(members) >= 4 and np.ptp(one) and np.ptp(other):
            rho = min(max(float(np.corrcoef(one, other)[0, 1]), -0.99), 0.99)
            total += (len(members) - 3) * math.atanh(rho)
            weights += len(members) - 3
    return math.tanh(total / weights) if weights else math.nan


@given(PAIRS)
def test_it_is_what_the_definition_says(rows: list[tuple[int, int, int]]) -> None:
    first, second, groups = (np.array([row[place] for row in rows]) for place in range(3))
    found = spearman_within(first.astype(float), second.astype(float), groups)
    assert found.rho == pytest.approx(by_hand(rows), nan_ok=True, abs=1e-9)


def test_what_differs_between_groups_does_not_count() -> None:
    """Hard prompts have long replies and low rewards; within a prompt the two have nothing to do with each other."""
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(60), 8)
    length, reward = 10.0 * groups + rng.normal(size=480), -groups + rng.normal(size=480)
    assert np.corrcoef(length, reward)[0, 1] < -0.9
    found = spearman_within(length, reward, groups)
    assert found.low < 0 < found.high
    assert found.groups == 60


@pytest.mark.parametrize("size", [4, 8, 16])
def test_the_bound_holds_its_confidence(size: int) -> None:
    """A lower bound at 95 % lies above the truth in one of twenty cases."""
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(30), size)
    wrong = [spearman_within(rng.normal(size=groups.size), rng.normal(size=groups.size), groups).low > 0 for _ in range(600)]
    assert np.mean(wrong) <= 0.08


def test_small_and_constant_groups_say_nothing() -> None:
    assert spearman_within(np.arange(3.0), np.arange(3.0), np.zeros(3, int)) == NOTHING or math.isnan(
        spearman_within(np.arange(3.0), np.arange(3.0), np.zeros(3, int)).rho
    )
    assert spearman_within(np.ones(8), np.arange(8.0), np.zeros(8, int)).groups == 0
    assert spearman_within(np.empty(0), np.empty(0), np.empty(0, int)).groups == 0
