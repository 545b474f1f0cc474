"""Values that cannot be."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.metric_domain import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import a_run, diagnosis_of, findings, only

RULE = "metric-domain"


@pytest.mark.parametrize(
    ("algorithm", "name", "possible", "impossible"),
    [
        (Algorithm.GRPO, "completions/clipped_ratio", 1.0 + LIMITS.exact / 2, 1.01),
        (Algorithm.GRPO, "frac_reward_zero_std", 0.0, -0.01),
        (Algorithm.GRPO, "reward_std", 0.0, -0.1),
        (Algorithm.GRPO, "entropy", -LIMITS.nats / 2, -0.02),
        (Algorithm.GRPO, "kl", -LIMITS.nats / 2, -0.02),
        (Algorithm.KTO, "kl", 0.0, -1.0),
        (Algorithm.GRPO, "completions/mean_length", 0.0, -1.0),
        (Algorithm.PPO, "policy/approxkl_avg", 0.0, -0.1),
        (Algorithm.PPO, "val/num_eos_tokens", 0.0, -1.0),
        (Algorithm.DPO, "rewards/accuracies", 1.0, 87.5),
        (Algorithm.REWARD, "accuracy", 1.0, 87.5),
        (Algorithm.SFT, "grad_norm", 1e9, -2.0),
    ],
)
def test_the_domains(algorithm: Algorithm, name: str, possible: float, impossible: float) -> None:
    assert not findings(RULE, a_run(algorithm).with_metric(name, [possible] * 5))
    found = only(RULE, a_run(algorithm).with_metric(name, [possible, possible, impossible, possible]))
    assert (found.severity, found.first_step, found.detected_step) == (Severity.HIGH, 3, 3)
    assert f"was {impossible:.4g} at step 3" in found.summary


def test_what_may_be_negative_is_not_judged() -> None:
    for algorithm in (Algorithm.RLOO, Algorithm.PPO, None):
        assert not findings(RULE, a_run(algorithm).with_metrics(kl=[-0.5] * 5, reward=[-3.0] * 5, policy_loss=[-1.0] * 5))


def test_an_accuracy_of_an_unknown_trainer_may_be_percent() -> None:
    assert not findings(RULE, a_run().with_metric("accuracy", [87.5] * 5))


def test_the_mark_of_an_overflow_is_no_norm() -> None:
    assert not findings(RULE, a_run(Algorithm.SFT).with_metric("grad_norm", [-1.0, 3.0, -1.0]))


@pytest.mark.parametrize(
    ("version", "severity"),
    [("1.9.2", Severity.INFO), ("0.22.0", Severity.INFO), (None, Severity.INFO), ("1.10.0", Severity.HIGH)],
)
def test_the_known_fault_of_ppo_is_only_remarked(version: str | None, severity: Severity) -> None:
    versions = {} if version is None else {"trl": version}
    run = a_run(Algorithm.PPO, versions=versions).with_metric("objective/entropy", [-20.0] * 5)
    found = only(RULE, run)
    assert found.severity is severity
    assert found.metric == "entropy/sequence"
    assert ("padding" in (found.cause or "")) is (severity is Severity.INFO)


def test_the_worst_value_is_told() -> None:
    run = a_run(Algorithm.GRPO).with_metric("completions/clipped_ratio", [1.5, 95.0, 1.2])
    assert "was 95 in 3 logs from step 1" in only(RULE, run).summary


def test_evaluations_count() -> None:
    assert only(RULE, a_run(Algorithm.GRPO).with_metric("eval/entropy", [-5.0])).metric == "eval/entropy"


def test_without_a_metric_of_known_domain_it_is_not_evaluated() -> None:
    diagnosis = diagnosis_of(RULE, a_run(Algorithm.GRPO).with_metric("my/own", [-5.0] * 5))
    assert not diagnosis.findings
    assert diagnosis.not_evaluated
