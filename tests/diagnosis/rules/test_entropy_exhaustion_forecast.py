"""Where the entropy is heading."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, diagnosis_of, findings, only

RULE = "entropy-exhaustion-forecast"
STEPS = np.arange(200.0)
SPENDING = np.exp(-0.015 * STEPS)
"""0.05 is reached at step 201."""
SATURATED = 1.0 - np.exp(-0.04 * STEPS)
"""Gains less and less for each nat."""


def grpo(entropy: np.ndarray, reward: np.ndarray, max_steps: int | None = 600) -> RunBuilder:
    run = a_run(Algorithm.GRPO, max_steps=max_steps)
    return run.with_metrics(entropy=entropy.tolist(), reward=reward.tolist())


def test_the_forecast() -> None:
    found = only(RULE, grpo(SPENDING, SATURATED))
    assert (found.severity, found.first_step, found.detected_step) == (Severity.INFO, 128, 128)
    assert "about step 201 of 600" in found.summary
    assert found.advice[0].parameter == "epsilon_high"


@pytest.mark.parametrize(
    ("entropy", "reward", "max_steps"),
    [
        (SPENDING, SATURATED, 220),
        (np.exp(-0.004 * STEPS), SATURATED, 600),
        (SPENDING, 1.0 - SPENDING, 600),
        (np.exp(0.002 * STEPS), SATURATED, 600),
        (SPENDING, SATURATED, 3000),
    ],
    ids=["the end comes first", "slowly", "the reward pays", "it rises", "the beginning"],
)
def test_what_is_silent(entropy: np.ndarray, reward: np.ndarray, max_steps: int) -> None:
    assert not findings(RULE, grpo(entropy, reward, max_steps))


def test_without_an_end_or_a_group_nothing_is_foretold() -> None:
    assert not diagnosis_of(RULE, grpo(SPENDING, SATURATED, None)).findings
    run = a_run(Algorithm.PPO, max_steps=600).with_metrics(entropy=SPENDING.tolist(), reward=SATURATED.tolist())
    assert not diagnosis_of(RULE, run).findings
