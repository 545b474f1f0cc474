"""Scores far from zero."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.rm_mean_drift import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "rm-mean-drift"


def reward_model(mean: float, span: float = 4.0, logs: int = 40) -> RunBuilder:
    run = a_run(Algorithm.REWARD, config={"center_rewards_coefficient": None})
    run = run.with_metrics(max_reward=[mean + span / 2] * logs, min_reward=[mean - span / 2] * logs)
    return run.with_metric("mean_reward", [mean] * logs)


@pytest.mark.parametrize(
    ("mean", "span", "severity"),
    [
        (1.9, 4.0, None),
        (-2.1, 4.0, Severity.INFO),
        (7.9, 4.0, Severity.INFO),
        (-8.1, 4.0, Severity.WARNING),
        (0.9, 0.1, None),
    ],
)
def test_the_limits(mean: float, span: float, severity: Severity | None) -> None:
    assert worst(RULE, reward_model(mean, span)) is severity


def test_it_must_last() -> None:
    assert only(RULE, reward_model(9.0)).detected_step == LIMITS.n
    assert not findings(RULE, reward_model(9.0, logs=LIMITS.n - 1))


def test_the_words() -> None:
    found = only(RULE, reward_model(9.0))
    assert "mean score was 9" in found.summary
    assert "4 apart" in found.summary
    assert found.advice[0].parameter == "center_rewards_coefficient"


def test_other_trainers_are_left_out() -> None:
    run = a_run(Algorithm.GRPO).with_metrics(reward=[9.0] * 40, max_reward=[10.0] * 40, min_reward=[8.0] * 40)
    assert not findings(RULE, run)
