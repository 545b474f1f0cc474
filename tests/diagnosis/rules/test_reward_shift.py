"""A reward that changed, told from a policy that learned."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "reward-shift"
LENGTH, ONSET = 140, 70


def noise(seed: int, spread: float = 1.0, size: int = LENGTH) -> np.ndarray:
    return spread * np.random.default_rng(seed).normal(size=size)


REWARD = 0.65 + 0.2 * (1 - np.exp(-np.arange(LENGTH) / 40)) + noise(1, 0.03)
SPREAD = 0.12 * np.exp(noise(2, 0.25))
POLICY = {"kl": 0.2 + noise(3, 0.03), "entropy": 3.0 + noise(4, 0.05), "completions/mean_length": 15 + noise(5, 2.0)}


def run_of(reward: np.ndarray, spread: np.ndarray | None = None, policy: dict[str, np.ndarray] = POLICY) -> RunBuilder:
    run = a_run(Algorithm.GRPO).with_metric("reward", reward.tolist())
    if spread is not None:
        run = run.with_metric("reward_std", spread.tolist())
    for name, values in policy.items():
        run = run.with_metric(name, values.tolist())
    return run


def from_onset(change: Callable[[np.ndarray], np.ndarray], values: np.ndarray) -> np.ndarray:
    return np.concatenate((values[: ONSET - 1], change(values[ONSET - 1 :])))


FIVE = from_onset(lambda v: 5 * v, REWARD)


@pytest.mark.parametrize(
    ("on_reward", "on_spread", "says"),
    [
        (lambda v: 5 * v, lambda v: 5 * v, "multiplied by about 5"),
        (lambda v: 1 - v, lambda v: v, "1 minus what they were"),
        (lambda v: -v, lambda v: v, "sign was turned"),
        (lambda v: v + 1, lambda v: v, "another measure"),
        (lambda v: 0 * v + 1, lambda v: 0 * v, "another measure"),
        (lambda v: v, lambda v: 30 * v, "another measure"),
    ],
    ids=["times 5", "1 - v", "sign", "plus 1", "constant", "outliers"],
)
def test_what_can_be_done_to_a_reward(
    on_reward: Callable[[np.ndarray], np.ndarray], on_spread: Callable[[np.ndarray], np.ndarray], says: str
) -> None:
    found = only(RULE, run_of(from_onset(on_reward, REWARD), from_onset(on_spread, SPREAD)))
    assert found.severity is Severity.WARNING
    assert (found.first_step, found.detected_step, found.open) == (ONSET, ONSET + 4, True)
    assert says in (found.cause or "")


def test_a_constant_is_seen_without_a_logged_spread() -> None:
    found = only(RULE, run_of(from_onset(lambda v: 0 * v + REWARD[ONSET - 1], REWARD)))
    assert found.detected_step <= ONSET + 5
    assert "became equal" in found.summary


@pytest.mark.parametrize("name", POLICY)
def test_a_step_that_the_policy_takes_too_is_its_own(name: str) -> None:
    moving = {**POLICY, name: from_onset(lambda v: 2 * v, POLICY[name])}
    assert not findings(RULE, run_of(FIVE, policy=moving))
    calm = {**POLICY, name: from_onset(lambda v: v + 0.5 * POLICY[name].std(), POLICY[name])}
    assert findings(RULE, run_of(FIVE, policy=calm))


def test_without_any_sign_of_the_policy_it_is_a_remark() -> None:
    assert worst(RULE, run_of(FIVE, policy={})) is Severity.INFO


def test_a_new_epoch_with_other_prompts_is_a_remark() -> None:
    begins = run_of(FIVE).with_metric("epoch", [step / (ONSET - 1) for step in range(1, LENGTH + 1)])
    assert worst(RULE, begins) is Severity.INFO
    within = run_of(FIVE).with_metric("epoch", [step / 100 for step in range(1, LENGTH + 1)])
    assert worst(RULE, within) is Severity.WARNING


def test_it_ends_when_the_policy_has_learned_half_of_it_back() -> None:
    turned = from_onset(lambda v: 1 - v, REWARD)
    turned[89:] += np.linspace(0, 0.7, LENGTH - 89)
    found = only(RULE, run_of(turned))
    assert not found.open
    assert 110 <= found.last_step <= 120


@pytest.mark.parametrize("size", [4, 10, 20])
def test_a_ramp_is_learning(size: int) -> None:
    ramp = 0.2 + 0.7 * np.clip((np.arange(LENGTH) - 60) / size, 0, 1) + noise(6, 0.01)
    assert not findings(RULE, run_of(ramp))


def test_a_reward_that_saturates_step_by_step_is_no_constant() -> None:
    rng = np.random.default_rng(8)
    solved = rng.random(LENGTH) < np.linspace(0.0, 1.0, LENGTH)
    assert not findings(RULE, run_of(np.where(solved, 1.0, 0.9), np.where(solved, 0.0, 0.1)))


@pytest.mark.parametrize("phi", [0.0, 0.3, 0.6])
def test_noise_of_small_batches_is_none(phi: float) -> None:
    rng = np.random.default_rng(9)
    for _ in range(10):
        walk = np.zeros(600)
        for step in range(1, 600):
            walk[step] = phi * walk[step - 1] + np.sqrt(1 - phi**2) * rng.standard_t(3)
        groups = rng.binomial(4, 1 / (1 + np.exp(-walk))) / 4
        spread = np.where((groups == 0) | (groups == 1), 0.0, 0.3 * np.exp(0.5 * rng.normal(size=600)))
        assert not findings(RULE, run_of(groups, spread, policy={"entropy": 3 + 0.1 * rng.normal(size=600)}))


def test_it_is_for_trainers_that_score_replies() -> None:
    assert not findings(RULE, a_run(Algorithm.DPO).with_metric("reward", FIVE.tolist()))
