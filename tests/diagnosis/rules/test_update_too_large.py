"""Updates that move the policy too far."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.update_too_large import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, diagnosis_of, findings, only, worst

RULE = "update-too-large"
QUIET = [0.001] * 20


def ppo(moved: list[float], clipped: float | None = None, **config: object) -> RunBuilder:
    run = a_run(Algorithm.PPO, config=config).with_metric("policy/approxkl_avg", moved)
    return run if clipped is None else run.with_metric("policy/clipfrac_avg", [clipped] * len(moved))


def test_the_warning_wants_three_of_five() -> None:
    found = only(RULE, ppo([*QUIET, *[LIMITS.warning + 0.001] * 20]))
    assert (found.severity, found.first_step, found.detected_step) == (Severity.WARNING, 21, 23)
    assert not findings(RULE, ppo([*QUIET, *[LIMITS.warning - 0.001] * 20]))
    assert not findings(RULE, ppo([*QUIET, 0.05, 0.001, 0.001, 0.05, *QUIET]))


@pytest.mark.parametrize(("moved", "severity"), [(0.11, Severity.HIGH), (1.1, Severity.CRITICAL)])
def test_one_update_of_the_whole_policy_is_enough(moved: float, severity: Severity) -> None:
    assert worst(RULE, ppo([moved, *QUIET], clipped=0.4)) is severity
    assert worst(RULE, ppo([*QUIET, moved, *QUIET])) is severity, "nothing tells that it was few tokens"


def test_one_token_is_no_update_of_the_policy() -> None:
    assert not findings(RULE, ppo([*QUIET, 1.1, *QUIET], clipped=0.01))
    assert worst(RULE, ppo([*QUIET, 0.2, 0.001, 0.2, *QUIET], clipped=0.01)) is Severity.HIGH


def test_the_first_update_does_not_count_for_the_warning() -> None:
    assert not findings(RULE, ppo([0.05, 0.05, *QUIET], clipped=0.4))
    assert not findings(RULE, ppo([0.05, 0.05, 0.05, *QUIET], clipped=0.4))


def test_the_words() -> None:
    found = only(RULE, ppo([0.5] * 20, clipped=0.4, learning_rate=2e-2, num_ppo_epochs=4))
    assert "0.5 nat²/token at step 1" in found.summary
    assert "learning rate of 0.02" in (found.cause or "")
    proposed = {item.parameter: item.proposed for item in found.advice if item.parameter}
    assert proposed == {"learning_rate": "3e-06", "num_ppo_epochs": "2"}


def test_other_trainers_do_not_log_it() -> None:
    assert not diagnosis_of(RULE, a_run(Algorithm.GRPO).with_metric("approx_kl", [5.0] * 9)).findings
