"""A penalty that outweighs the reward."""

from __future__ import annotations

from typing import Any

import pytest

from rldk_tui.diagnosis.rules.kl_penalty_dominates import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, diagnosis_of, findings, only

RULE = "kl-penalty-dominates"
FLAT = [0.5, 0.52, 0.48, 0.51, 0.49] * 16
SIGMA = 1.4826 * 0.01 * 4
"""The spread of one reply's reward where means of sixteen scatter like `FLAT`."""


def ppo(penalty: float, reward: list[float] = FLAT, **config: Any) -> RunBuilder:
    settings = {"kl_coef": 0.3, "per_device_train_batch_size": 16, "gradient_accumulation_steps": 1, **config}
    run = a_run(Algorithm.PPO, config=settings).with_metric("objective/kl", [5.0] * 80)
    return run.with_metric("objective/non_score_reward", [-penalty] * 80).with_metric("objective/scores", reward)


def grouped(algorithm: Algorithm, kl: float, reward: list[float] = FLAT, spread: float = 0.1, **config: Any) -> RunBuilder:
    run = a_run(algorithm, config={"beta": 0.1, **config}).with_metrics(kl=[kl] * 80, reward=reward, reward_std=[spread] * 80)
    return run.with_metric("completions/mean_length", [20.0] * 80)


def test_ppo_is_held_to_the_spread_of_single_replies() -> None:
    found = only(RULE, ppo(1.1 * SIGMA))
    assert found.severity is Severity.WARNING
    assert "1.1 times" in found.summary
    assert (found.advice[0].parameter, found.advice[0].current, found.advice[0].proposed) == ("kl_coef", 0.3, "0.1")
    assert not findings(RULE, ppo(0.9 * SIGMA))
    assert not findings(RULE, ppo(1.1 * SIGMA, gradient_accumulation_steps=4)), "means of more replies scatter less"


def test_a_negative_kl_is_no_penalty() -> None:
    assert not findings(RULE, ppo(-5.0))
    assert not findings(RULE, grouped(Algorithm.RLOO, -5.0))


def test_while_the_reward_rises_nothing_is_wrong() -> None:
    rising = [0.01 * step for step in range(80)]
    assert not findings(RULE, ppo(50.0, rising))
    assert not findings(RULE, grouped(Algorithm.RLOO, 5.0, rising))


@pytest.mark.parametrize(
    ("algorithm", "config", "below", "above"),
    [
        (Algorithm.RLOO, {}, 0.9 * LIMITS.shared * 0.05, 1.1 * LIMITS.shared * 0.05),
        (Algorithm.GRPO, {"beta": 1.0}, 0.4, 0.6),
        (Algorithm.GRPO, {"beta": 0.1, "scale_rewards": "none"}, 0.4, 0.6),
    ],
)
def test_grouped_trainers(algorithm: Algorithm, config: dict[str, Any], below: float, above: float) -> None:
    assert not findings(RULE, grouped(algorithm, below, **config))
    assert findings(RULE, grouped(algorithm, above, **config))


def test_equal_rewards_are_another_rules_matter() -> None:
    assert not findings(RULE, grouped(Algorithm.RLOO, 5.0, spread=0.0))
    assert not findings(RULE, grouped(Algorithm.GRPO, 5.0, spread=0.0, beta=1.0))


@pytest.mark.parametrize("algorithm", [None, Algorithm.KTO, Algorithm.DPO])
def test_without_a_penalty_on_samples(algorithm: Algorithm | None) -> None:
    (silent,) = diagnosis_of(RULE, a_run(algorithm).with_metric("kl", [5.0] * 80)).not_evaluated
    assert not silent.applicable
    assert not diagnosis_of(RULE, grouped(Algorithm.GRPO, 5.0, beta=0.0)).not_evaluated[0].applicable
