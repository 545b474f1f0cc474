"""A loss that rises and stays: what it takes, and what is none."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import a_run, findings, only, worst

RULE = "loss-divergence"


def noisy(level: float, size: int, seed: int = 0, spread: float = 0.1) -> list[float]:
    return [level + spread * value for value in np.random.default_rng(seed).normal(size=size)]


LEARNED = [*noisy(2.5, 20, 1), *(2.5 - np.linspace(0, 1.0, 40) + noisy(0, 40, 2)).tolist(), *noisy(1.5, 20, 3)]


@pytest.mark.parametrize(
    ("level", "severity"), [(1.7, None), (2.0, None), (2.4, Severity.WARNING), (2.8, Severity.WARNING), (3.5, Severity.HIGH)]
)
def test_how_far_it_rises_decides(level: float, severity: Severity | None) -> None:
    assert worst(RULE, a_run(Algorithm.SFT).with_metric("loss", [*LEARNED, *noisy(level, 60, 4)])) is severity


@pytest.mark.parametrize("algorithm", [Algorithm.SFT, Algorithm.DPO, Algorithm.KTO, Algorithm.REWARD])
def test_it_is_known_within_ten_logs(algorithm: Algorithm) -> None:
    found = only(RULE, a_run(algorithm).with_metric("loss", [*LEARNED, *noisy(5.0, 40, 4)]))
    assert found.first_step == len(LEARNED) + 1
    assert found.detected_step <= found.first_step + 9
    assert found.open
    assert "began at 2.5" in found.summary


def test_a_jump_of_the_learning_rate_is_named_and_taken_back() -> None:
    run = a_run(Algorithm.SFT, config={"learning_rate": 1e-4, "max_grad_norm": 0.0})
    run = run.with_metric("loss", [*LEARNED, *noisy(5.0, 40)]).with_metric("learning_rate", [1e-4] * 80 + [1e-2] * 40)
    found = only(RULE, run)
    assert "jumped from 0.0001 to 0.01" in (found.cause or "")
    assert [(item.parameter, item.proposed) for item in found.advice[1:]] == [
        ("learning_rate", "0.0001"),
        ("max_grad_norm", "1.0"),
    ]


def test_a_spike_that_recovers_is_none() -> None:
    assert not findings(RULE, a_run(Algorithm.SFT).with_metric("loss", [*LEARNED, *[6.0] * 5, *noisy(1.5, 60)]))


def test_a_loss_near_zero_may_come_and_go() -> None:
    """Preferences known by heart: 0.0001 and 0.05 are both nothing."""
    loss = [*np.geomspace(0.69, 1e-4, 60), *noisy(0.05, 60, 2, 0.005)]
    assert not findings(RULE, a_run(Algorithm.DPO).with_metric("loss", loss))


@pytest.mark.parametrize("spread", [0.05, 0.3, 1.0])
def test_noise_is_none(spread: float) -> None:
    for seed in range(10):
        loss = np.exp(spread * np.random.default_rng(seed).normal(size=600))
        assert not findings(RULE, a_run(Algorithm.REWARD).with_metric("loss", loss.tolist()))


@pytest.mark.parametrize("algorithm", [Algorithm.GRPO, Algorithm.RLOO, Algorithm.PPO])
def test_the_loss_of_a_policy_gradient_means_nothing(algorithm: Algorithm) -> None:
    assert not findings(RULE, a_run(algorithm).with_metric("loss", [*LEARNED, *[9.0] * 60]))


def test_a_run_that_does_not_tell_its_trainer_is_told_by_its_metrics() -> None:
    run = a_run().with_metric("loss", [*LEARNED, *[9.0] * 60])
    assert not findings(RULE, run)
    assert findings(RULE, run.with_metric("mean_token_accuracy", [0.5] * 140))


@pytest.mark.parametrize(("losses", "fires"), [([2.0, 1.0, 1.4, 1.45, 1.4], False), ([2.0, 1.0, 1.7, 1.9], True)])
def test_an_evaluation_needs_two_in_a_row(losses: list[float], fires: bool) -> None:
    run = a_run(Algorithm.SFT).with_metric("loss", noisy(1.0, 100)).with_metric("eval/loss", losses, every=20)
    assert worst(RULE, run) is (Severity.WARNING if fires else None)
    assert not findings(RULE, run.with_metric("eval/loss", [2.0, 1.0, 1.7, 1.0, 1.8], every=20))
