"""NaN and infinity in any metric."""

from __future__ import annotations

import math

import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import a_run, diagnosis_of, findings, only

RULE = "nonfinite-metric"


@pytest.mark.parametrize(
    ("metric", "severity"),
    [
        ("loss", Severity.CRITICAL),
        ("grad_norm", Severity.CRITICAL),
        ("reward", Severity.CRITICAL),
        ("objective/scores", Severity.CRITICAL),
        ("loss/value_avg", Severity.CRITICAL),
        ("entropy", Severity.HIGH),
        ("my/own metric", Severity.HIGH),
    ],
)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_once_is_enough(metric: str, severity: Severity, value: float) -> None:
    found = only(RULE, a_run(Algorithm.PPO).with_metric(metric, [1.0, 2.0, value, 3.0]))
    assert (found.severity, found.first_step, found.detected_step, found.last_step) == (severity, 3, 3, 3)
    assert ("NaN" if math.isnan(value) else "infinite") in found.summary


def test_the_largest_finite_numbers_and_none_are_silent() -> None:
    assert not findings(RULE, a_run().with_metric("loss", [1.7e308, -1.7e308, 0.0, None, ...]))


def test_the_variance_of_one_ratio_is_nan_in_healthy_ppo() -> None:
    assert not findings(RULE, a_run(Algorithm.PPO).with_metric("val/ratio_var", [math.nan] * 9))


def test_each_metric_is_its_own_episode() -> None:
    run = a_run(Algorithm.SFT).with_metric("loss", [1.0, math.nan, math.nan]).with_metric("entropy", [math.nan])
    assert {(found.metric, found.first_step) for found in findings(RULE, run)} == {("loss", 2), ("entropy", 1)}


def test_what_breaks_again_and_again_is_one_fault() -> None:
    found = only(RULE, a_run(Algorithm.SFT).with_metric("loss", ([math.nan] + [1.0] * 60) * 4))
    assert (found.first_step, found.last_step) == (1, 184)
    assert "in 4 logs" in found.summary


def test_metrics_of_ones_own_are_told_together() -> None:
    run = a_run(Algorithm.SFT).with_metric("my/a", [1.0, math.nan]).with_metric("my/b", [1.0, math.inf, 2.0])
    found = only(RULE, run.with_metric("my/fine", [1.0] * 3))
    assert "my/a and my/b were" in found.summary
    assert only(RULE, run.with_metric("my/c", [..., math.nan])).summary.startswith("my/a and 2 other metrics were")


def test_half_precision_and_rewards_get_their_own_advice() -> None:
    half = only(RULE, a_run(Algorithm.SFT, config={"fp16": True, "learning_rate": 1e-4}).with_metric("loss", [math.nan]))
    assert [item.parameter for item in half.advice] == ["fp16", None, "learning_rate"]
    assert "guess" in half.advice[-1].text, "nothing but the NaN speaks against the rate"
    rates = [1e-5] * 9 + [1e-3] * 3
    jumped = only(RULE, a_run(Algorithm.SFT).with_metrics(learning_rate=rates, loss=[1.0] * 11 + [math.nan]))
    assert "Find out why the learning rate rose" in jumped.advice[-1].text
    reward = only(RULE, a_run(Algorithm.GRPO).with_metric("reward", [math.inf]))
    assert "reward function" in (reward.cause or "")


def test_a_run_without_metrics_is_not_judged() -> None:
    (silent,) = diagnosis_of(RULE, a_run()).not_evaluated
    assert silent.applicable
