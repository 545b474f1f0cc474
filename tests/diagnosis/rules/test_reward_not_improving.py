"""A long run without a gain."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.diagnosis.rules.reward_not_improving import LIMITS
from rldk_tui.events import Algorithm, Json, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "reward-not-improving"


def rewarded(
    level: np.ndarray, *, noise: float = 0.05, spread: float = 0.4, max_steps: int | None = None, **config: Json
) -> RunBuilder:
    values = level + np.random.default_rng(0).normal(0, noise, level.size)
    run = a_run(Algorithm.GRPO, config=config, max_steps=max_steps).with_metric("reward", values)
    return run.with_metric("reward_std", [spread] * level.size)


def flat(logs: int, level: float = 0.3) -> np.ndarray:
    return np.full(logs, level)


def test_a_remark_after_a_hundred_logs_and_a_warning_after_three_hundred_steps() -> None:
    assert not findings(RULE, rewarded(flat(LIMITS.logs - 1)))
    assert worst(RULE, rewarded(flat(LIMITS.logs))) is Severity.INFO
    assert worst(RULE, rewarded(flat(LIMITS.steps - 1))) is Severity.INFO
    assert worst(RULE, rewarded(flat(LIMITS.steps))) is Severity.WARNING


def test_a_tenth_of_the_planned_steps_is_waited_for() -> None:
    assert not findings(RULE, rewarded(flat(199), max_steps=2000))
    assert only(RULE, rewarded(flat(250), max_steps=2000)).detected_step == 200


@pytest.mark.parametrize(("gain", "severity"), [(0.2, Severity.INFO), (0.5, None)])
def test_a_slow_rise_is_a_rise(gain: float, severity: Severity | None) -> None:
    assert worst(RULE, rewarded(np.linspace(0.3, 0.3 + gain, 400))) is severity


def test_a_rise_that_came_early_and_stayed_counts() -> None:
    assert not findings(RULE, rewarded(0.7 - 0.4 * np.exp(-np.arange(2000) / 20)))


def test_a_fall_is_another_rules() -> None:
    assert not findings(RULE, rewarded(np.linspace(0.8, 0.2, 400)))


@pytest.mark.parametrize(("level", "spread"), [(0.95, 0.2), (0.5, 0.001), (0.0, 0.0)])
def test_at_the_ceiling_or_without_differences_it_is_silent(level: float, spread: float) -> None:
    assert not findings(RULE, rewarded(flat(400, level), noise=spread / 20, spread=spread))


def test_it_is_over_once_the_reward_rises() -> None:
    found = only(RULE, rewarded(np.concatenate((flat(200), np.linspace(0.3, 0.9, 200)))))
    assert not found.open
    assert found.last_step < 310


def test_ppo_logs_no_spread() -> None:
    values = 0.3 + np.random.default_rng(0).normal(0, 0.05, 320)
    found = only(RULE, a_run(Algorithm.PPO).with_metric("objective/scores", values))
    assert "num_generations" not in {item.parameter for item in found.advice}
    assert not findings(RULE, a_run(Algorithm.PPO).with_metric("objective/scores", values + np.linspace(0, 0.2, 320)))


def test_the_words() -> None:
    found = only(RULE, rewarded(flat(120), num_generations=4, learning_rate=1e-6))
    assert found.summary.startswith("After 100 logs the reward has not risen: it stands at 0.297")
    proposed = {item.parameter: item.proposed for item in found.advice if item.parameter}
    assert proposed == {"num_generations": "8", "learning_rate": "3e-06"}


def test_trainers_without_sampled_replies_are_left_out() -> None:
    assert not findings(RULE, a_run(Algorithm.REWARD).with_metric("reward", [0.1, 0.2] * 200))
