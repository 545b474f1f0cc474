"""Rewards the reward model never gave."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.rm_ood import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "rm-ood"


def policy(shares: list[float], algorithm: Algorithm = Algorithm.PPO) -> RunBuilder:
    run = a_run(algorithm, config={"kl_coef": 0.05}).with_metric("reward", [1.0] * 60)
    return run.with_measured("samples/rm_outside_range", shares, first=5, every=5)


@pytest.mark.parametrize(("share", "severity"), [(0.2, None), (0.21, Severity.WARNING), (0.9, Severity.WARNING)])
def test_the_limit(share: float, severity: Severity | None) -> None:
    assert worst(RULE, policy([share] * 10)) is severity


def test_it_must_last() -> None:
    found = only(RULE, policy([0.0] * 3 + [0.4] * LIMITS.m))
    assert (found.first_step, found.detected_step) == (20, 40)
    assert not findings(RULE, policy([0.0] * 3 + [0.4] * (LIMITS.m - 1)))


def test_the_words() -> None:
    found = only(RULE, policy([0.4] * 10))
    assert "40 % of the rewards" in found.summary
    assert ("kl_coef", "0.1") in {(item.parameter, item.proposed) for item in found.advice}


def test_trainers_that_sample_nothing_are_left_out() -> None:
    assert not findings(RULE, policy([0.9] * 10, Algorithm.DPO))
