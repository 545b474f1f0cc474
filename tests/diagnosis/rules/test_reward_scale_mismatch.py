"""One reward function drowns another."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.diagnosis.rules.reward_scale_mismatch import LIMITS
from rldk_tui.events import Algorithm, Json, Severity
from tests.builders import RunBuilder, a_run, diagnosis_of, findings, only

RULE = "reward-scale-mismatch"
LOGS = 80


def two(small: float, large: float, *, mean: float = 0.5, logs: int = LOGS, **config: Json) -> RunBuilder:
    """Two functions with these spreads; the total is their sum at the weights of the config, or at 1."""
    rng = np.random.default_rng(0)
    weights = config.get("reward_weights")
    one, other = weights if isinstance(weights, list) else (1.0, 1.0)
    first, second = mean + rng.normal(0, small / 800, logs), rng.normal(0, large / 8, logs)
    run = a_run(Algorithm.GRPO, config={"reward_weights": None, "multi_objective_aggregation": "sum_then_normalize", **config})
    run = run.with_metric("reward", one * first + other * second)
    run = run.with_metric("rewards/small/mean", first).with_metric("rewards/small/std", [small] * logs)
    return run.with_metric("rewards/large/mean", second).with_metric("rewards/large/std", [large] * logs)


def test_the_limit() -> None:
    assert not findings(RULE, two(0.1, 0.1 * (LIMITS.times - 0.1)))
    found = only(RULE, two(0.1, 0.1 * (LIMITS.times + 0.1)))
    assert (found.severity, found.metric) == (Severity.WARNING, "rewards/small/mean")
    assert (found.first_step, found.detected_step) == (8, 57), "fifty logs after the eight that tell the weights"


@pytest.mark.parametrize(
    ("weights", "speaks"), [([10.0, 1.0], False), ([1.0, 10.0], True), ([0.0, 1.0], False), ([1.0, 0.0], False)]
)
def test_weights_count(weights: Json, speaks: bool) -> None:
    assert bool(findings(RULE, two(0.05, 1.02, reward_weights=weights))) is speaks


@pytest.mark.parametrize(("mean", "spread"), [(0.999, 0.03), (0.97, 0.01), (0.002, 0.04)])
def test_a_check_that_is_nearly_met_or_hardly_ever_is_not_small(mean: float, spread: float) -> None:
    assert not findings(RULE, two(spread, 2.0, mean=mean))


def test_logs_without_any_spread_are_left_out() -> None:
    run = two(0.05, 2.0)
    assert not findings(RULE, run.with_metric("rewards/small/std", [0.0, 0.05] * (LOGS // 2)))


def test_functions_that_are_normalised_first_are_left_out() -> None:
    run = two(0.05, 2.0, multi_objective_aggregation="normalize_then_sum")
    assert not diagnosis_of(RULE, run).evaluated


def test_unknown_weights_are_silent() -> None:
    run = two(0.05, 2.0, reward_weights=[1.0, 2.0]).with_metric("reward", np.linspace(5, 9, LOGS))
    assert not findings(RULE, run)


def test_the_words() -> None:
    found = only(RULE, two(0.05, 2.0))
    assert "small spreads the replies up to 40 times less" in found.summary
    proposed = {item.parameter: item.proposed for item in found.advice}
    assert proposed == {"reward_weights": "40 times its weight", "multi_objective_aggregation": "normalize_then_sum"}
