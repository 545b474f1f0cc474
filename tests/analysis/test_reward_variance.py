"""The prompt's part and the reply's part of a reward."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.analysis.reward_variance import reward_variance

PAIRS = [np.array([0, 1]), np.array([2, 3]), np.array([4, 5])]


def test_the_sums_of_an_analysis_of_variance() -> None:
    found = reward_variance(np.array([0.0, 2.0, 4.0, 4.0, np.nan, 9.0]), PAIRS)
    assert found == {
        "samples/reward_between": pytest.approx(9.0),
        "samples/reward_between_freedom": 1.0,
        "samples/reward_within": pytest.approx(2.0),
        "samples/reward_within_freedom": 1.0,
        "samples/group_size": pytest.approx(2.0),
    }


@pytest.mark.parametrize(
    "rewards",
    [[0.0, 1.0, 0.0, 0.0, 1.0, 1.0], [np.nan] * 6, [1.0] * 6, [0.0, 1.0, 2.0, np.nan, np.nan, np.nan]],
    ids=["pass or fail", "none", "one number", "one group"],
)
def test_where_nothing_can_be_told(rewards: list[float]) -> None:
    assert reward_variance(np.array(rewards), PAIRS) == {}


def test_a_step_that_moves_is_no_variance() -> None:
    rng = np.random.default_rng(0)
    rewards = rng.normal(0.0, 1.0, 6)
    assert reward_variance(rewards + 1e3, PAIRS) == pytest.approx(reward_variance(rewards, PAIRS))
