"""Entropy far above where it began."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.entropy_explosion import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, diagnosis_of, findings, only, worst

RULE = "entropy-explosion"
START = [0.5, 0.52, 0.48] * 10


def grpo(end: float, start: list[float] = START, **config: object) -> RunBuilder:
    return a_run(Algorithm.GRPO, config=config).with_metric("entropy", [*start, *[end] * 40])


def test_the_limit_is_both_a_multiple_and_a_distance() -> None:
    found = only(RULE, grpo(1.01))
    assert (found.severity, found.first_step, found.detected_step) == (Severity.WARNING, 31, 35)
    assert "it was 0.5 at the beginning" in found.summary
    assert not findings(RULE, grpo(0.99)), "half a nat above"
    high = [2.0] * 30
    assert findings(RULE, grpo(3.01, high))
    assert not findings(RULE, grpo(2.99, high)), "one and a half times"


def test_four_of_eight_are_silent() -> None:
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("entropy", [*START, *[2.0, 0.5] * 20]))


@pytest.mark.parametrize(
    ("reward", "severity"),
    [
        ([0.01 * step for step in range(70)], Severity.INFO),
        ([0.1, 0.12] * 5 + [0.9, 0.92] * 30, Severity.INFO),
        ([0.5, 0.52] * 35, Severity.WARNING),
    ],
)
def test_what_the_reward_pays_for_is_exploration(reward: list[float], severity: Severity) -> None:
    assert worst(RULE, grpo(2.0).with_metric("reward", reward)) is severity


def test_the_words() -> None:
    found = only(RULE, grpo(2.0, entropy_coef=0.03, learning_rate=1e-6))
    assert found.cause == "The entropy bonus outweighs the reward."
    assert {item.parameter: item.proposed for item in found.advice if item.parameter} == {
        "entropy_coef": "0.01",
        "learning_rate": "3e-07",
    }
    assert "A guess" in found.advice[1].text


def test_a_run_too_short_to_have_a_beginning_and_trainers_that_do_not_explore() -> None:
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("entropy", [0.5] * (LIMITS.first - 1)))
    assert not diagnosis_of(RULE, a_run(Algorithm.SFT).with_metric("entropy", [*START, *[5.0] * 40])).findings
