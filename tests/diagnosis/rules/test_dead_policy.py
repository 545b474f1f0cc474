"""A policy in which nothing can change any more."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.dead_policy import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only

RULE = "dead-policy"


def ppo(moved: float = 0.0, **beside: float) -> RunBuilder:
    """Ten calm logs of a living policy, then thirty of what is told."""
    said = {"clip_fraction": 0.0, "entropy": 0.001, "learning_rate": 1e-5, **beside}
    run = a_run(Algorithm.PPO).with_metric("policy/approxkl_avg", [0.001] * 10 + [moved] * 30)
    for name, value in said.items():
        run = run.with_metric(name, [1e-5 if name == "learning_rate" else 1.0] * 10 + [value] * 30)
    return run


def test_the_limit() -> None:
    found = only(RULE, ppo(0.9 * LIMITS.still))
    assert (found.severity, found.first_step, found.detected_step) == (Severity.CRITICAL, 11, 10 + LIMITS.n)
    assert "entropy is 0.001" in found.summary
    assert {"learning_rate", "kl_coef"} == {item.parameter for item in found.advice if item.parameter}
    assert not findings(RULE, ppo(1.1 * LIMITS.still))


@pytest.mark.parametrize("beside", [{"clip_fraction": 0.01}, {"entropy": 0.06}, {"learning_rate": 4e-7}])
def test_what_is_no_death(beside: dict[str, float]) -> None:
    assert not findings(RULE, ppo(**beside))


def test_equal_rewards_are_as_dead_as_a_spent_entropy() -> None:
    found = only(RULE, ppo(entropy=2.0, reward_std=0.0))
    assert "all rewards are equal" in found.summary


def test_other_trainers_do_not_log_it() -> None:
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metrics(approx_kl=[0.0] * 30, entropy=[0.0] * 30))
