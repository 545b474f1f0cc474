"""A value function that lost the returns."""

from __future__ import annotations

from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only

RULE = "value-loss-explosion"
USUAL = [0.02, 0.03, 0.025] * 10


def ppo(loss: list[float], reward: list[float] | None = None, **config: object) -> RunBuilder:
    run = a_run(Algorithm.PPO, config=config).with_metric("loss/value_avg", loss)
    return run if reward is None else run.with_metric("objective/scores", reward)


def test_the_limit() -> None:
    found = only(RULE, ppo([*USUAL, *[0.26] * 20], cliprange_value=1e6, whiten_rewards=False))
    assert (found.severity, found.first_step, found.detected_step) == (Severity.WARNING, 31, 35)
    assert "rose to 0.26" in found.summary
    assert "about 0.025 before step 31" in found.summary
    assert {item.parameter: item.proposed for item in found.advice if item.parameter} == {
        "cliprange_value": "0.2",
        "whiten_rewards": "True",
    }
    assert not findings(RULE, ppo([*USUAL, *[0.24] * 20]))


def test_spikes_with_usual_values_between_them_are_silent() -> None:
    assert not findings(RULE, ppo([*USUAL, *[1.0, 1.0, 0.02] * 10]))


def test_the_first_updates_do_not_count() -> None:
    assert not findings(RULE, ppo([0.001] * 8 + [0.2] * 60))


def test_while_the_reward_rises_only_a_far_larger_loss_counts() -> None:
    reward = [0.01 * step for step in range(120)]
    assert not findings(RULE, ppo([*USUAL * 3, *[0.5] * 30], reward))
    assert findings(RULE, ppo([*USUAL * 3, *[3.0] * 30], reward))
    assert findings(RULE, ppo([*USUAL * 3, *[0.5] * 30], [0.5, 0.6] * 60))


def test_a_loss_of_nothing_is_not_exploded_by_a_little_more() -> None:
    assert not findings(RULE, ppo([1e-12] * 30 + [1e-9] * 30))


def test_other_trainers_have_no_value_function() -> None:
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("value_loss", [*USUAL, *[9.0] * 30]))
