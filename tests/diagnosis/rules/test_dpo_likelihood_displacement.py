"""Probability leaves the chosen replies."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.dpo_likelihood_displacement import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "dpo-likelihood-displacement"
BETA = 0.1


def dpo(lost: float, reference: float = -100.0, margin: float = 1.0, logs: int = 40, **config: object) -> RunBuilder:
    """Chosen replies of `reference` nats that have lost `lost` nats after ten logs."""
    nats = [0.0] * 10 + [lost] * (logs - 10)
    run = a_run(Algorithm.DPO, config={"beta": BETA, "learning_rate": 5e-7, "loss_type": ["sigmoid"], **config})
    run = run.with_metric("rewards/chosen", [-BETA * value for value in nats])
    run = run.with_metric("logps/chosen", [reference - value for value in nats])
    return run.with_metric("rewards/margins", [margin] * logs)


@pytest.mark.parametrize(
    ("lost", "reference", "severity"),
    [
        (-20.0, -100.0, None),
        (49.0, -100.0, None),
        (51.0, -100.0, Severity.WARNING),
        (99.0, -100.0, Severity.WARNING),
        (101.0, -100.0, Severity.HIGH),
        (49.0, -30.0, Severity.WARNING),
        (60.0, -300.0, None),
    ],
)
def test_the_limits(lost: float, reference: float, severity: Severity | None) -> None:
    assert worst(RULE, dpo(lost, reference)) is severity


def test_onset_and_detection() -> None:
    found = only(RULE, dpo(80.0))
    assert (found.first_step, found.detected_step) == (11, 11 + LIMITS.logs // 2)


def test_without_a_margin_it_is_no_displacement() -> None:
    assert not findings(RULE, dpo(80.0, margin=-0.5))


def test_a_reference_of_nothing_means_nothing() -> None:
    assert not findings(RULE, dpo(80.0, reference=0.0)), "as without a reference"


def test_it_needs_beta_and_dpo() -> None:
    assert not findings(RULE, dpo(80.0, beta=None))
    assert not findings(RULE, a_run(Algorithm.KTO, config={"beta": BETA}).with_metric("rewards/chosen", [-20.0] * 40))


def test_the_words() -> None:
    found = only(RULE, dpo(80.0))
    assert "lost 80 nats" in found.summary
    assert "80 %" in found.summary
    proposed = {item.parameter: item.proposed for item in found.advice if item.parameter}
    assert proposed == {"loss_type": '["sigmoid", "sft"]', "beta": "0.2", "learning_rate": "2e-07"}
