"""A number that never changes."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.diagnosis.rules.metric_frozen import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import a_run, findings, only

RULE = "metric-frozen"
NOISE = list(np.random.default_rng(0).uniform(0.1, 0.9, 40))
STALE = 0.3141592


def test_onset_and_detection() -> None:
    found = only(RULE, a_run(Algorithm.GRPO).with_metric("kl", [*NOISE, *[STALE] * 60]))
    assert (found.severity, found.first_step, found.detected_step) == (Severity.WARNING, 42, 40 + LIMITS.logs)
    assert "exactly 0.314159 in 30 or more logs in a row, steps 42–100" in found.summary
    assert found.open


def test_fewer_logs_are_silent() -> None:
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("kl", [*NOISE, *[STALE] * (LIMITS.logs - 1), *NOISE]))


@pytest.mark.parametrize("value", [0.0, 0.0001, float(np.float32(0.0001)), 0.6931, 12.34, 1.0])
def test_zero_and_what_rounding_explains_is_silent(value: float) -> None:
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("loss", [value] * 100))


@pytest.mark.parametrize("name", ["learning_rate", "reward", "completions/mean_length", "val/ratio", "my/own"])
def test_what_may_be_constant_is_not_judged(name: str) -> None:
    assert not findings(RULE, a_run(Algorithm.PPO).with_metric(name, [STALE] * 100))


def test_a_value_that_differs_in_its_last_digit_is_alive() -> None:
    alive = [STALE + index % 2 * 1e-15 for index in range(100)]
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("entropy", alive))


def test_averaged_logs_need_half_as_many() -> None:
    run = a_run(Algorithm.GRPO, config={"logging_steps": 10}).with_metric("kl", [STALE] * 20, every=10)
    assert only(RULE, run).detected_step == 150


def test_a_relaunch_counts_anew() -> None:
    run = a_run(Algorithm.GRPO).with_metric("kl", [STALE] * 20).relaunched(20).with_metric("kl", [STALE] * 20)
    assert not findings(RULE, run)
