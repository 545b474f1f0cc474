"""Beyond the point up to which a reward can be optimized."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.diagnosis.rules.overoptimisation_frontier import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, diagnosis_of, findings, only

RULE = "overoptimisation-frontier"
NOISE = np.random.default_rng(5).normal(0.0, 0.02, 240)
HUMP = np.concatenate((np.linspace(0.2, 0.9, 120), np.linspace(0.9, 0.4, 120)))


def run(kl: np.ndarray, reward: np.ndarray, algorithm: Algorithm = Algorithm.GRPO) -> RunBuilder:
    built = a_run(algorithm).with_metric("kl", (kl * (1 + NOISE)).tolist())
    return built.with_metric("reward", (reward + NOISE[::-1]).tolist())


def test_a_reward_that_falls_while_the_distance_grows() -> None:
    found = only(RULE, run(np.linspace(0.0, 0.6, 240), HUMP))
    assert found.severity is Severity.WARNING
    assert 130 < found.first_step <= found.detected_step < 200
    assert "the reward fell meanwhile" in found.summary


@pytest.mark.parametrize(
    ("kl", "reward"),
    [
        (np.linspace(0.0, 0.6, 240), np.linspace(0.2, 0.9, 240)),
        (np.linspace(0.0, 0.6, 240), np.full(240, 0.9)),
        (np.full(240, 0.6), HUMP),
        (np.linspace(0.5, 0.6, 240), HUMP),
        (np.linspace(0.0, 0.9 * LIMITS.token, 240), HUMP),
    ],
    ids=["it pays", "the reward is at its height", "no growth", "little growth", "not far"],
)
def test_what_is_silent(kl: np.ndarray, reward: np.ndarray) -> None:
    assert not findings(RULE, run(kl, reward))


def test_a_short_run_is_not_judged_and_ppo_has_its_own_unit() -> None:
    short = a_run(Algorithm.GRPO).with_metrics(kl=np.linspace(0, 0.6, 96).tolist(), reward=HUMP[100:196].tolist())
    assert not findings(RULE, short)
    assert not findings(RULE, run(np.linspace(0.0, 1.5, 240), HUMP, Algorithm.PPO))
    assert findings(RULE, run(np.linspace(0.0, 6.0, 240), HUMP, Algorithm.PPO))


def test_other_trainers() -> None:
    assert not diagnosis_of(RULE, run(np.linspace(0.0, 0.6, 240), HUMP, Algorithm.KTO)).findings
