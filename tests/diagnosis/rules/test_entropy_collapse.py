"""The entropy is spent."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.diagnosis.rules.entropy_collapse import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import a_run, findings, only, worst

RULE = "entropy-collapse"


@pytest.mark.parametrize("algorithm", [Algorithm.GRPO, Algorithm.RLOO, Algorithm.PPO])
def test_the_limits(algorithm: Algorithm) -> None:
    def level(entropy: float) -> Severity | None:
        return worst(RULE, a_run(algorithm).with_metric("entropy", [entropy] * 30))

    assert level(LIMITS.low + 0.001) is None
    assert level(LIMITS.low - 0.001) is Severity.WARNING
    assert level(LIMITS.critical + 0.001) is Severity.WARNING
    assert level(LIMITS.critical - 0.001) is Severity.CRITICAL


def test_onset_and_detection() -> None:
    found = only(RULE, a_run(Algorithm.GRPO).with_metric("entropy", [2.0] * 20 + [0.001] * 20))
    # The median of five is low from the third low log on, and must be so in three of five.
    assert (found.first_step, found.detected_step) == (21, 25)
    early = only(RULE, a_run(Algorithm.GRPO).with_metric("entropy", [0.001] * 20))
    assert early.detected_step == LIMITS.at_least


@pytest.mark.parametrize(("share", "severity"), [(0.4, Severity.WARNING), (0.6, Severity.HIGH)])
def test_groups_without_signal_corroborate(share: float, severity: Severity) -> None:
    run = a_run(Algorithm.GRPO).with_metrics(entropy=[0.03] * 30, frac_reward_zero_std=[share] * 30)
    assert only(RULE, run).severity is severity


@pytest.mark.parametrize(
    ("reward", "severity"), [(np.linspace(0, 1, 80), Severity.WARNING), (np.array([0.5, 0.6] * 40), Severity.HIGH)]
)
def test_a_reward_that_does_not_rise_corroborates(reward: np.ndarray, severity: Severity) -> None:
    run = a_run(Algorithm.PPO).with_metric("policy/entropy_avg", [0.03] * 80).with_metric("reward", reward.tolist())
    assert only(RULE, run).severity is severity


def test_a_fall_of_three_quarters_with_rising_reward_is_silent() -> None:
    run = a_run(Algorithm.GRPO).with_metrics(entropy=np.linspace(3.2, 0.4, 200), reward=np.linspace(0.1, 0.9, 200))
    assert not findings(RULE, run)


def test_two_low_logs_are_silent() -> None:
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("entropy", [2.0] * 10 + [0.0] * 2 + [2.0] * 10))


@pytest.mark.parametrize("algorithm", [Algorithm.SFT, Algorithm.DPO, Algorithm.KTO])
def test_trainers_that_do_not_explore_are_left_out(algorithm: Algorithm) -> None:
    assert not findings(RULE, a_run(algorithm).with_metric("entropy", [0.0] * 30))
    assert not findings(RULE, a_run().with_metric("entropy", [0.0] * 30)), "nor one that nobody named"


def test_the_words_say_why_and_what() -> None:
    config = {"learning_rate": 0.02, "epsilon_high": 0.2, "beta": 0.0}
    found = only(RULE, a_run(Algorithm.GRPO, config=config).with_metric("entropy", [0.0] * 30))
    assert "learning rate of 0.02" in (found.cause or "")
    proposed = {item.parameter: item.proposed for item in found.advice if item.parameter}
    assert proposed == {"learning_rate": "1e-06", "beta": "0.01", "epsilon_high": "0.28"}
    cold = only(RULE, a_run(Algorithm.RLOO, config={"temperature": 0.1}).with_metric("entropy", [0.0] * 30))
    assert "temperature 0.1" in (cold.cause or "")
