"""A reward that steps with the data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rldk_tui.diagnosis.rules.mixed_batch_source import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, diagnosis_of, findings, only

RULE = "mixed-batch-source"
NOISE = np.random.default_rng(0).uniform(-0.05, 0.05, 200)


def run(rewards: Sequence[float], *, epoch: int = 60, algorithm: Algorithm = Algorithm.GRPO, **config: bool) -> RunBuilder:
    """Rewards, and epochs of so many steps."""
    epochs = [(index + 1) / epoch for index in range(len(rewards))]
    return a_run(algorithm, config=config).with_metric("reward", list(rewards)).with_metric("epoch", epochs)


def stepped(at: int, by: float = 0.5) -> list[float]:
    return list(0.4 + NOISE[:120] + by * (np.arange(120) >= at))


def test_a_step_at_the_border_of_an_epoch_is_remarked() -> None:
    found = only(RULE, run(stepped(60)))
    assert (found.severity, found.first_step, found.detected_step) == (Severity.INFO, 61, 60 + LIMITS.logs)
    assert "where epoch 2 began" in found.summary
    assert only(RULE, run(stepped(60, by=-0.5))).first_step == 61


def test_a_step_elsewhere_is_none_of_the_data() -> None:
    assert not findings(RULE, run(stepped(30)))
    assert not findings(RULE, run(stepped(80)))


def test_a_reward_that_rises_all_the_time_is_silent() -> None:
    assert not findings(RULE, run(list(0.02 * np.arange(120) + NOISE[:120])))


def test_noise_and_small_steps_are_silent() -> None:
    assert not findings(RULE, run(stepped(60, by=0.05)))


def test_short_epochs_are_left_out() -> None:
    assert not findings(RULE, run(stepped(60), epoch=30))


def test_an_unshuffled_dataset_is_named() -> None:
    assert only(RULE, run(stepped(60), shuffle_dataset=False)).advice[0].parameter == "shuffle_dataset"
    assert only(RULE, run(stepped(60), shuffle_dataset=True)).advice[0].parameter is None


def test_a_reward_model_has_no_prompts_to_change() -> None:
    assert diagnosis_of(RULE, run(stepped(60), algorithm=Algorithm.REWARD)).not_evaluated
