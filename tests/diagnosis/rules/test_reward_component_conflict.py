"""The total rises, one of its functions falls."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.events import Algorithm, Json, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "reward-component-conflict"


def noisy(level: np.ndarray, seed: int = 0) -> np.ndarray:
    return level + np.random.default_rng(seed).normal(0, 0.01, level.size)


def traded(
    to: float, *, name: str = "short", begin: float = 0.8, spread: float = 0.2, weights: Json = None, logs: int = 100
) -> RunBuilder:
    """`name` goes from `begin` to `to` while another function gains 2; the total has both, at these weights or at 1."""
    falls, rises = noisy(np.linspace(begin, to, logs)), noisy(np.linspace(0, 2, logs), 1)
    one, other = weights if isinstance(weights, list) else (1.0, 1.0)
    config: dict[str, Json] = {"reward_weights": weights, "multi_objective_aggregation": "sum_then_normalize"}
    run = a_run(Algorithm.GRPO, config=config).with_metric("reward", falls * one + rises * other)
    run = run.with_metric(f"rewards/{name}/mean", falls).with_metric(f"rewards/{name}/std", [spread] * logs)
    return run.with_metric("rewards/right/mean", rises)


@pytest.mark.parametrize(("to", "severity"), [(0.64, None), (0.5, Severity.WARNING)])
def test_the_limit_is_the_spread_of_its_scores(to: float, severity: Severity | None) -> None:
    assert worst(RULE, traded(to)) is severity


def test_a_small_share_of_its_best_is_no_sacrifice() -> None:
    assert not findings(RULE, traded(0.74, spread=0.01))


@pytest.mark.parametrize("weights", [[0.0, 1.0], [-1.0, 1.0]])
def test_what_is_not_paid_for_may_fall(weights: Json) -> None:
    assert not findings(RULE, traded(0.1, weights=weights))


def test_a_total_that_does_not_rise_is_silent() -> None:
    assert not findings(RULE, traded(0.1, weights=[1.0, 0.1]))


@pytest.mark.parametrize(("name", "begin"), [("length_penalty", 0.8), ("gap", -0.1)])
def test_a_penalty_that_grows_is_only_a_remark(name: str, begin: float) -> None:
    assert worst(RULE, traded(begin - 0.7, name=name, begin=begin)) is Severity.INFO


def test_unknown_weights_are_said_to_be_unknown() -> None:
    run = a_run(Algorithm.GRPO).with_metric("reward", noisy(np.linspace(3, 9, 100)))
    run = run.with_metric("rewards/a/mean", noisy(np.linspace(0, 1, 100))).with_metric(
        "rewards/b/mean", np.linspace(1, 0.2, 100)
    )
    found = only(RULE, run)
    assert found.metric == "rewards/b/mean"
    assert "cannot be told" in (found.cause or "")


def test_one_function_is_no_conflict() -> None:
    run = a_run(Algorithm.GRPO).with_metric("reward", noisy(np.linspace(0, 1, 100)))
    assert not findings(RULE, run.with_metric("rewards/a/mean", np.linspace(1, 0, 100)))


def test_the_words() -> None:
    found = only(RULE, traded(0.1))
    assert found.summary.startswith("short fell from its best of 0.7")
    proposed = {item.parameter: item.proposed for item in found.advice if item.parameter}
    assert proposed["multi_objective_aggregation"] == "normalize_then_sum"
    assert "reward_weights" in proposed
