"""What each reward function weighs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rldk_tui.diagnosis.components import WeightsPast, weights
from tests.builders import a_run

MEANS = np.random.default_rng(0).uniform(0, 1, (20, 3))


def told(true: list[float], config: dict[str, object], cut: int = 20) -> dict[str, float]:
    run = a_run(config=config).with_metric("reward", MEANS @ true)
    for name, values in zip("abc", MEANS.T, strict=True):
        run = run.with_metric(f"rewards/{name}/mean", values)
    (segment,) = run.snapshot().segments
    _, past = weights(segment.rows[:cut], WeightsPast(), segment.info)
    _, past = weights(segment.rows[cut:], past, segment.info)
    return {name.split("/")[1]: weight for name, weight in (past.told or {}).items()}


@pytest.mark.parametrize("cut", [0, 3, 8, 20])
@pytest.mark.parametrize(
    ("true", "config"),
    [
        ([1.0, 1.0, 1.0], {}),
        ([1.0, 0.0, 1.0], {}),
        ([0.0, 2.0, 0.5], {"reward_weights": [2.0, 0.5, 0.0]}),
        ([1.0, -1.0, 0.0], {"reward_weights": [1.0, -1.0, 0.0]}),
    ],
)
def test_the_sums_tell_whose_weight_is_which(true: list[float], config: dict[str, object], cut: int) -> None:
    assert told(true, config, cut) == dict(zip("abc", true, strict=True))


def test_equal_weights_need_no_sums() -> None:
    assert told([0.3, 0.9, 7.0], {"reward_weights": None}) == dict.fromkeys("abc", 1.0)


def test_what_does_not_add_up_is_not_known() -> None:
    assert not told([0.3, 0.9, 7.0], {})
    assert not told([0.3, 0.9, 7.0], {"reward_weights": [1.0, 0.5, 0.2]})


def test_a_function_that_always_says_0_may_weigh_anything() -> None:
    run = a_run().with_metric("reward", [0.1, 0.5] * 10).with_metric("rewards/a/mean", [0.1, 0.5] * 10)
    (segment,) = run.with_metric("rewards/b/mean", [0.0] * 20).snapshot().segments
    since, past = weights(segment.rows, WeightsPast(), segment.info)
    assert since == 7
    assert past.told is not None
    assert past.told["rewards/a/mean"] == 1.0
    assert math.isnan(past.told["rewards/b/mean"])
