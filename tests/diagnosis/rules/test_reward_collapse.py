"""The reward fell from its best."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.diagnosis.rules.reward_collapse import LIMITS
from rldk_tui.events import Algorithm, Severity
from rldk_tui.statistics.windows import Floats
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "reward-collapse"


def learned(logs: int, top: float = 0.9, noise: float = 0.02, seed: int = 0) -> Floats:
    """A learning curve from 0.3, held for the first 20 logs, to `top`, with noise."""
    curve = top - (top - 0.3) * np.exp(-np.maximum(0, np.arange(logs) - 20) / 15)
    result: Floats = curve + np.random.default_rng(seed).normal(0, noise, size=logs)
    return result


def fallen_to(level: float, at: int = 120, logs: int = 200) -> RunBuilder:
    reward = learned(logs)
    reward[at:] += level - 0.9
    return a_run(Algorithm.GRPO).with_metric("reward", reward)


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        (0.9 - 0.6 * (LIMITS.gain - 0.1), None),
        (0.9 - 0.6 * (LIMITS.gain + 0.1), Severity.HIGH),
        (0.9 - 0.6 * (LIMITS.critical - 0.1), Severity.HIGH),
        (0.9 - 0.6 * (LIMITS.critical + 0.1), Severity.CRITICAL),
        (0.0, Severity.CRITICAL),
    ],
)
def test_a_share_of_the_gain_must_be_lost(level: float, severity: Severity | None) -> None:
    """The gain is 0.6; its quarter is more than four times the noise here."""
    assert worst(RULE, fallen_to(level)) is severity


def test_onset_and_detection() -> None:
    found = only(RULE, fallen_to(0.1))
    assert found.first_step == 121, "the first raw value below the limit, not the first low median"
    assert found.detected_step == 132, "the median of ten is low with the fifth, and must be so eight times"
    assert found.open
    assert "fell from its best of 0.9" in found.summary


def test_a_dip_that_recovers_is_silent() -> None:
    reward = learned(200)
    reward[100:105] -= 0.7
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("reward", reward))


def test_a_rise_is_silent_however_steep() -> None:
    steps = np.repeat([0.1, 0.5, 5.0, 50.0], 50)
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("reward", steps))


def test_a_reward_that_stays_at_its_maximum_is_silent() -> None:
    reward = np.minimum(learned(300, top=1.2), 1.0)
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("reward", reward))


def test_a_sign_flip_is_critical() -> None:
    reward = learned(160)
    reward[90:] *= -1
    assert worst(RULE, a_run(Algorithm.RLOO).with_metric("reward", reward)) is Severity.CRITICAL


def test_nothing_is_said_during_warm_up() -> None:
    reward = [1.0] * 10 + [0.0] * 10
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("reward", reward))
    run = a_run(Algorithm.GRPO, config={"warmup_steps": 1000}).with_metric("reward", learned(150).tolist() + [0.0] * 50)
    assert not findings(RULE, run)


@pytest.mark.parametrize("phi", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("shape", ["normal", "student", "lognormal"])
@pytest.mark.parametrize("gain", [0.0, 1.0])
def test_noise_raises_no_alarm(phi: float, shape: str, gain: float) -> None:
    rng = np.random.default_rng(17)
    logs, alarms = 3000, 0
    for _ in range(4):
        draw = {
            "normal": rng.normal(size=logs),
            "student": rng.standard_t(3, size=logs) / np.sqrt(3),
            "lognormal": (np.exp(0.6 * rng.normal(size=logs)) - np.exp(0.18)) / 0.79,
        }[shape]
        noise = np.empty(logs)
        last = 0.0
        for t in range(logs):
            noise[t] = last = phi * last + np.sqrt(1 - phi**2) * draw[t]
        reward = 0.1 * noise + gain * (1 - np.exp(-np.arange(logs) / 200))
        alarms += len(findings(RULE, a_run(Algorithm.GRPO).with_metric("reward", reward)))
    assert alarms == 0


def test_a_fall_with_a_new_epoch_of_the_data_is_a_remark() -> None:
    """A curriculum: harder prompts from the second epoch on, of 100 logs each."""
    reward = learned(200)
    reward[100:] -= 0.25
    epochs = (np.arange(200) + 1) / 100
    run = a_run(Algorithm.GRPO).with_metrics(reward=reward, epoch=epochs)
    assert only(RULE, run).severity is Severity.INFO
    assert "new epoch" in (only(RULE, run).cause or "")
    within = a_run(Algorithm.GRPO).with_metrics(reward=reward, epoch=epochs + 0.5)
    assert only(RULE, within).severity is Severity.HIGH
    short = a_run(Algorithm.GRPO).with_metrics(reward=reward, epoch=epochs * 5)
    assert only(RULE, short).severity is Severity.HIGH, "an epoch of 20 logs begins near everything"


def test_a_resumed_run_is_judged_by_its_own_best() -> None:
    run = a_run(Algorithm.GRPO).with_metric("reward", learned(60)).relaunched(40).with_metric("reward", [0.2] * 60)
    assert not findings(RULE, run)


def test_the_learning_rate_is_named_when_it_jumped() -> None:
    reward = learned(160)
    reward[90:] = 0.1
    run = a_run(Algorithm.GRPO).with_metrics(reward=reward, learning_rate=[5e-4] * 85 + [2e-2] * 75)
    found = only(RULE, run)
    assert "jumped from 0.0005 to 0.02" in (found.cause or "")
    assert found.advice[1].proposed == "0.0005"
