"""What is paid for rises, what is meant falls."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.events import Algorithm, Json, Severity
from tests.builders import RunBuilder, a_run, diagnosis_of, findings, only, worst

RULE = "proxy-gold-divergence"
PAID, WATCHED = "rewards/keywords/mean", "rewards/quality/mean"
RISES = np.linspace(0.2, 0.9, 60)


def noisy(level: np.ndarray, noise: float = 0.01, seed: int = 0) -> np.ndarray:
    return level + np.random.default_rng(seed).normal(0, noise, level.size)


def a_hack(gold: np.ndarray, paid: np.ndarray = RISES, *, weights: Json = None) -> RunBuilder:
    paid = noisy(paid, seed=1)
    config = {"beta": 0.0} if weights is None else {"beta": 0.0, "reward_weights": weights}
    run = a_run(Algorithm.GRPO, config=config).with_metric("reward", paid)
    return run.with_metric(PAID, paid).with_metric(WATCHED, noisy(gold))


def falling(to: float) -> np.ndarray:
    return np.linspace(0.8, to, 60)


@pytest.mark.parametrize(
    ("share", "severity"),
    [(0.05, None), (0.17, Severity.WARNING), (0.35, Severity.HIGH), (0.7, Severity.CRITICAL)],
)
def test_severity_goes_with_the_share_that_is_lost(share: float, severity: Severity | None) -> None:
    assert worst(RULE, a_hack(falling(0.8 * (1 - share)), weights=[1.0, 0.0])) is severity


def test_it_is_found_within_the_first_twenty_logs() -> None:
    found = only(RULE, a_hack(np.geomspace(0.7, 0.05, 60)))
    assert found.detected_step <= 20
    assert found.first_step <= 12


@pytest.mark.parametrize("weights", [[1.0, 0.0], [0.0, 1.0], None])
def test_whose_weight_is_0_is_read_from_the_sums(weights: Json) -> None:
    assert only(RULE, a_hack(falling(0.2), weights=weights)).metric == WATCHED


def test_a_function_that_is_paid_for_is_no_second_opinion() -> None:
    paid, other = noisy(RISES, seed=1), noisy(falling(0.4))
    run = a_run(Algorithm.GRPO, config={"reward_weights": None}).with_metric("reward", paid + other * 0.5)
    assert not findings(RULE, run.with_metric(PAID, paid).with_metric(WATCHED, other))


@pytest.mark.parametrize("paid", [np.full(60, 0.5), RISES[::-1]])
def test_a_fall_without_a_rise_is_none_of_its_business(paid: np.ndarray) -> None:
    assert not findings(RULE, a_hack(falling(0.2), paid))


@pytest.mark.parametrize("name", ["rewards/length_penalty/mean", "rewards/tool_cost/mean", "benchmark/loss"])
def test_what_counts_or_costs_is_no_second_opinion(name: str) -> None:
    paid = noisy(RISES, seed=1)
    run = a_run(Algorithm.GRPO).with_metric("reward", paid).with_metric(PAID, paid)
    assert not findings(RULE, run.with_metric(name, falling(0.1)))


@pytest.mark.parametrize("seed", range(5))
def test_a_noisy_second_opinion_is_silent(seed: int) -> None:
    paid = noisy(np.linspace(0.2, 0.9, 400), seed=9)
    run = a_run(Algorithm.GRPO).with_metric("reward", paid).with_metric(PAID, paid)
    assert not findings(RULE, run.with_metric(WATCHED, noisy(np.full(400, 0.5), 0.1, seed)))


@pytest.mark.parametrize("name", ["eval/reward", "gold", "benchmark/pass_at_1", "eval/rewards/judge/mean"])
def test_evaluations_must_lie_low_three_times(name: str) -> None:
    paid = noisy(np.linspace(0.2, 0.9, 100))
    run = a_run(Algorithm.GRPO).with_metric("reward", paid).with_metric(PAID, paid)
    good = [0.40, 0.44, 0.45, 0.47, 0.46]
    assert not findings(RULE, run.with_metric(name, [*good, 0.2, 0.2, 0.46], first=10, every=10))
    found = only(RULE, run.with_metric(name, [*good, 0.31, 0.3, 0.3], first=10, every=10))
    assert (found.severity, found.first_step, found.detected_step) == (Severity.HIGH, 60, 80)


def test_without_a_second_opinion_it_says_what_to_log() -> None:
    run = a_run(Algorithm.GRPO).with_metric("reward", [0.5] * 30).with_metric(PAID, [0.5] * 30)
    (silent,) = diagnosis_of(RULE, run).not_evaluated
    assert "weight 0" in (silent.how or "")


def test_the_words() -> None:
    found = only(RULE, a_hack(np.geomspace(0.7, 0.05, 60)))
    assert found.summary.startswith("quality, which the policy is not paid for, fell from its best of 0.6")
    assert {item.parameter for item in found.advice} == {None, "beta"}
    assert f"before step {found.first_step}" in found.advice[0].text
    held_out = a_run(Algorithm.GRPO).with_metric("reward", noisy(np.linspace(0.2, 0.9, 100)))
    held_out = held_out.with_metric("eval/reward", [0.5, 0.5, 0.5, 0.5, 0.5, 0.1, 0.1, 0.1], first=10, every=10)
    assert only(RULE, held_out).summary.startswith("The reward on held-out prompts fell")


def test_trainers_without_a_reward_are_left_out() -> None:
    run = a_run(Algorithm.DPO).with_metrics(reward=RISES, gold=falling(0.1))
    assert not findings(RULE, run)
