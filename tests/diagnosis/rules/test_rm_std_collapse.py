"""One score for all."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.rm_std_collapse import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "rm-std-collapse"


def reward_model(span: float, accuracy: float = 0.5, logs: int = 80, **config: object) -> RunBuilder:
    run = a_run(Algorithm.REWARD, config={"learning_rate": 1e-7, **config})
    return run.with_metrics(max_reward=[1.0 + span] * logs, min_reward=[1.0] * logs, accuracy=[accuracy] * logs)


@pytest.mark.parametrize(
    ("span", "accuracy", "severity"),
    [(0.11, 0.5, None), (0.09, 0.5, Severity.HIGH), (0.09, 0.61, None), (0.0, 0.0, Severity.HIGH)],
)
def test_the_limits(span: float, accuracy: float, severity: Severity | None) -> None:
    assert worst(RULE, reward_model(span, accuracy)) is severity


def test_the_beginning_is_left_out() -> None:
    assert only(RULE, reward_model(0.05)).detected_step == LIMITS.after
    assert not findings(RULE, reward_model(0.05, logs=LIMITS.after - 1))
    assert not findings(RULE, reward_model(0.05, warmup_steps=100))


def test_the_words() -> None:
    found = only(RULE, reward_model(0.05))
    assert "within 0.05" in found.summary
    assert ("learning_rate", "1e-05") in {(item.parameter, item.proposed) for item in found.advice}


def test_other_trainers_are_left_out() -> None:
    assert not findings(RULE, a_run(Algorithm.PPO).with_metrics(max_reward=[1.0] * 80, min_reward=[1.0] * 80))
