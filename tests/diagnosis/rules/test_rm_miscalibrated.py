"""Claims that do not come true."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.rm_miscalibrated import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "rm-miscalibrated"


def reward_model(
    error: float, low: float, pairs: float = 600.0, algorithm: Algorithm = Algorithm.REWARD, overconfidence: float = 0.1
) -> RunBuilder:
    run = a_run(algorithm).with_metric("loss", [0.4] * 20).with_measured("samples/rm_ece", [error], first=10)
    run = run.with_measured("samples/rm_overconfidence", [overconfidence], first=10)
    return run.with_measured("samples/rm_ece_low", [low], first=10).with_measured("samples/rm_pairs", [pairs], first=10)


@pytest.mark.parametrize(
    ("error", "low", "severity"),
    [
        (0.079, 0.078, None),
        (0.1, 0.079, None),
        (0.1, 0.081, Severity.WARNING),
        (0.15, 0.119, Severity.WARNING),
        (0.15, 0.121, Severity.HIGH),
    ],
)
def test_the_lower_end_must_exceed_the_limit_too(error: float, low: float, severity: Severity | None) -> None:
    assert worst(RULE, reward_model(error, low)) is severity


def test_few_pairs_tell_nothing() -> None:
    assert not findings(RULE, reward_model(0.3, 0.2, LIMITS.pairs - 1))
    assert not findings(RULE, a_run(Algorithm.REWARD).with_measured("samples/rm_ece", [0.3]).with_metric("loss", [0.4] * 9))


def test_a_model_that_claims_too_little_is_not_too_sure() -> None:
    assert not findings(RULE, reward_model(0.3, 0.2, overconfidence=-0.1))


def test_the_words() -> None:
    found = only(RULE, reward_model(0.15, 0.13))
    assert "0.15 apart at step 10" in found.summary
    assert "600 pairs" in found.summary
    assert found.advice[-1].parameter == "center_rewards_coefficient"


def test_other_trainers_are_left_out() -> None:
    assert not findings(RULE, reward_model(0.3, 0.2, algorithm=Algorithm.DPO))
