"""A reward model that ranks like a coin."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.diagnosis.rules.rm_at_chance import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "rm-at-chance"
CONFIG = {"per_device_train_batch_size": 32, "learning_rate": 1e-4}


def reward_model(probability: float, pull: float = 0.0, logs: int = 100, seed: int = 0) -> RunBuilder:
    """Accuracies of 32 pairs a log, and margins whose mean is `pull`."""
    rng = np.random.default_rng(seed)
    run = a_run(Algorithm.REWARD, config=CONFIG)
    return run.with_metrics(accuracy=rng.binomial(32, probability, logs) / 32, margin=rng.normal(pull, 0.1, logs))


@pytest.mark.parametrize("seed", range(5))
def test_coin_flips_are_found_and_a_hard_task_is_not(seed: int) -> None:
    found = only(RULE, reward_model(0.5, seed=seed))
    assert found.severity is Severity.HIGH
    assert found.detected_step >= 1 + LIMITS.logs
    assert "what chance gives" in found.summary
    assert not findings(RULE, reward_model(0.6, 0.1, seed=seed))


def test_a_plateau_after_learning_is_silent_and_a_late_fall_is_not() -> None:
    learning = np.concatenate((np.linspace(0.5, 0.65, 15), np.full(100, 0.65)))
    run = a_run(Algorithm.REWARD, config=CONFIG)
    assert not findings(RULE, run.with_metrics(accuracy=learning, margin=learning - 0.45))
    fallen = run.with_metric("accuracy", [0.8] * 60 + [0.5] * 60)
    assert only(RULE, fallen).first_step > 60


def test_ranking_against_the_labels_is_critical() -> None:
    found = only(RULE, reward_model(0.35, -0.2))
    assert found.severity is Severity.CRITICAL
    assert "against its labels" in (found.cause or "")
    assert "worse than chance" in found.summary


def test_margins_of_zero() -> None:
    run = a_run(Algorithm.REWARD, config=CONFIG).with_metrics(accuracy=[0.0] * 40, margin=[0.0] * 40)
    assert "had not left 0" in only(RULE, run).summary


def test_too_low_a_rate_is_named() -> None:
    run = a_run(Algorithm.REWARD, config={**CONFIG, "learning_rate": 1e-8}).with_metric("accuracy", [0.5] * 60)
    assert ("learning_rate", "1e-05") in {(item.parameter, item.proposed) for item in only(RULE, run).advice}


def test_other_trainers_are_left_out() -> None:
    assert worst(RULE, a_run(Algorithm.SFT, config=CONFIG).with_metric("accuracy", [0.5] * 100)) is None
