"""Far from the reference."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.diagnosis.rules.kl_too_high import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import a_run, diagnosis_of, findings, only, worst

RULE = "kl-too-high"
FLAT = [0.5, 0.6] * 40
RISING = np.linspace(0.1, 0.9, 80).tolist()
HELD = [0.1, 0.12] * 10 + [0.9, 0.88] * 30
LOST = [0.1, 0.12] * 10 + [0.9, 0.88] * 10 + [0.2, 0.18] * 20
QUIET = [0.0, 0.01, 0.02]


def grpo(kl: float, reward: list[float], **config: object) -> object:
    run = a_run(Algorithm.GRPO, config=config)
    return run.with_metric("kl", [*QUIET, *[kl] * 77]).with_metric("reward", reward)


@pytest.mark.parametrize("algorithm", [Algorithm.GRPO, Algorithm.RLOO])
def test_the_limit_a_token(algorithm: Algorithm) -> None:
    below = a_run(algorithm).with_metric("kl", [*QUIET, *[LIMITS.token[0] - 0.01] * 30])
    above = a_run(algorithm).with_metric("kl", [*QUIET, *[LIMITS.token[0] + 0.01] * 30])
    assert not findings(RULE, below)
    found = only(RULE, above)
    assert found.severity is Severity.WARNING
    # Three clean logs, then medians of five: the first above the limit at step 6, the third at step 8.
    assert (found.first_step, found.detected_step, found.last_step) == (4, 8, 33)
    assert found.open


@pytest.mark.parametrize(
    ("kl", "reward", "severity"),
    [
        (LIMITS.token[1] + 0.05, FLAT, Severity.HIGH),
        (LIMITS.token[1] - 0.05, FLAT, Severity.WARNING),
        (LIMITS.token[2] + 0.05, RISING, Severity.WARNING),
        (LIMITS.token[2] - 0.05, RISING, Severity.INFO),
        (LIMITS.token[2] - 0.05, HELD, Severity.INFO),
        (LIMITS.token[1] + 0.05, LOST, Severity.HIGH),
        (LIMITS.token[1] - 0.05, LOST, Severity.WARNING),
    ],
)
def test_what_a_drift_buys_decides_how_bad_it_is(kl: float, reward: list[float], severity: Severity) -> None:
    run = a_run(Algorithm.GRPO).with_metric("kl", [*[0.0] * 40, *[kl] * 40]).with_metric("reward", reward)
    assert only(RULE, run).severity is severity


def test_a_spent_entropy_makes_it_high_even_while_the_reward_rises() -> None:
    run = a_run(Algorithm.GRPO).with_metrics(kl=[0.0] * 40 + [1.1] * 40, reward=RISING, entropy=[0.04] * 80)
    assert only(RULE, run).severity is Severity.HIGH


def test_ppo_is_judged_a_reply_and_a_token_where_the_length_is_logged() -> None:
    below = a_run(Algorithm.PPO).with_metric("objective/kl", [*QUIET, *[9.9] * 30])
    above = a_run(Algorithm.PPO).with_metric("objective/kl", [*QUIET, *[10.1] * 30])
    assert not findings(RULE, below)
    assert only(RULE, above).severity is Severity.WARNING
    assert "nat/sequence" in only(RULE, above).summary
    long = above.with_metric("tokens/responses_len_mean", [21.0] * 33)
    assert not findings(RULE, long), "21 tokens at 0.5 nat are 10.5"
    assert worst(RULE, above.with_metric("tokens/responses_len_mean", [20.0] * 33)) is Severity.WARNING


def test_ppo_with_long_replies_of_unlogged_length_is_not_judged() -> None:
    run = a_run(Algorithm.PPO, config={"response_length": 512}).with_metric("objective/kl", [50.0] * 30)
    (silent,) = diagnosis_of(RULE, run).not_evaluated
    assert "128 tokens" in silent.reason
    assert worst(RULE, a_run(Algorithm.PPO, config={"response_length": 53}).with_metric("objective/kl", [0.0, *[50.0] * 30]))


@pytest.mark.parametrize("algorithm", [Algorithm.KTO, Algorithm.DPO, Algorithm.SFT])
def test_other_trainers_kl_is_another_thing(algorithm: Algorithm) -> None:
    run = a_run(algorithm).with_metric("kl", [9.0] * 30)
    assert not findings(RULE, run)
    assert not diagnosis_of(RULE, run).not_evaluated[0].applicable


def test_a_trainer_nobody_named_is_judged_when_its_own_metrics_tell_the_unit() -> None:
    run = a_run().with_metric("kl", [*QUIET, *[2.0] * 30])
    assert not findings(RULE, run)
    assert worst(RULE, run.with_metric("completions/clipped_ratio", [0.0] * 33)) is Severity.WARNING


def test_what_a_wrong_reference_adds_from_the_start_is_subtracted() -> None:
    run = a_run(Algorithm.GRPO).with_metric("kl", [0.8] * 30)
    assert not findings(RULE, run)
    resumed = a_run(Algorithm.GRPO, first_step=100).with_metric("kl", [0.8] * 30)
    assert worst(RULE, resumed) is Severity.WARNING, "a resumed run does not tell how training began"


def test_one_isolated_spike_is_silent() -> None:
    kl = [0.02] * 60
    kl[30] = 40.0
    kl[31] = 2.0
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("kl", kl))


def test_averaged_logs_need_fewer() -> None:
    """With ten steps a log, the median is of three logs and must be high in two of three."""
    kl = [0.0, *[0.9] * 6]
    run = a_run(Algorithm.GRPO, config={"logging_steps": 10}).with_metric("kl", kl, every=10)
    assert only(RULE, run).detected_step == 40
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("kl", kl[:5]))


def test_the_learning_rate_is_named_only_on_evidence() -> None:
    kl = [*QUIET, *[2.0] * 30]
    unknown = only(RULE, a_run(Algorithm.GRPO).with_metric("kl", kl))
    usual = only(RULE, a_run(Algorithm.GRPO, config={"learning_rate": 1e-5}).with_metric("kl", kl))
    far = only(RULE, a_run(Algorithm.GRPO, config={"learning_rate": 3e-2, "beta": 0.04}).with_metric("kl", kl))
    for finding in (unknown, usual):
        assert "learning rate" not in (finding.cause or "")
    assert "learning rate of 0.03" in (far.cause or "")
    advice = {item.parameter: item for item in far.advice if item.parameter}
    assert (advice["learning_rate"].current, advice["learning_rate"].proposed) == (0.03, "1e-06")
    assert (advice["beta"].current, advice["beta"].proposed) == (0.04, "0.08")


def test_a_jump_of_the_logged_learning_rate_is_named() -> None:
    rates = [1e-4] * 40 + [4e-3] * 40
    run = a_run(Algorithm.GRPO).with_metrics(kl=[0.1] * 45 + [3.0] * 35, learning_rate=rates)
    finding = only(RULE, run)
    assert finding.cause == "The learning rate jumped from 0.0001 to 0.004 before this, the most likely cause."
    assert finding.advice[0].proposed == "0.0001"
    assert "kl_coef" in {a.parameter for a in only(RULE, a_run(Algorithm.PPO).with_metric("kl", [0, 0, *[30.0] * 9])).advice}


@pytest.mark.parametrize(
    ("kl", "reward", "severity"),
    [
        (LIMITS.token[2] - 0.05, [0.9, 0.88] * 30, Severity.INFO),
        (LIMITS.token[2] + 0.05, [0.9, 0.88] * 30, Severity.WARNING),
        (LIMITS.token[1] + 0.05, [0.9, 0.88] * 10 + [0.2, 0.18] * 20, Severity.HIGH),
        (LIMITS.token[1] + 0.05, None, Severity.WARNING),
    ],
    ids=["holds", "extreme", "falls", "no reward"],
)
def test_what_a_resumed_launch_began_with_was_gained_before_it(
    kl: float, reward: list[float] | None, severity: Severity
) -> None:
    run = a_run(Algorithm.GRPO).with_metric("kl", QUIET).relaunched(100).with_metric("kl", [kl] * 60)
    assert only(RULE, run if reward is None else run.with_metric("reward", reward)).severity is severity
