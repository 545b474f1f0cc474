"""A KL without a unit."""

from __future__ import annotations

from rldk_tui.events import Algorithm, Severity
from tests.builders import a_run, diagnosis_of, findings, only

RULE = "unit-mismatch"


def test_a_kl_of_an_unknown_trainer_is_remarked() -> None:
    found = only(RULE, a_run().with_metric("kl", [5.0] * 10, first=3))
    assert (found.severity, found.first_step) == (Severity.INFO, 3)


def test_the_trainer_or_its_metrics_tell_the_unit() -> None:
    assert not findings(RULE, a_run(Algorithm.PPO).with_metric("kl", [5.0] * 10))
    assert not findings(RULE, a_run().with_metric("kl", [5.0] * 10).with_metric("completions/clipped_ratio", [0.0] * 10))


def test_without_a_kl_it_is_not_evaluated() -> None:
    assert diagnosis_of(RULE, a_run().with_metric("loss", [1.0] * 10)).not_evaluated
