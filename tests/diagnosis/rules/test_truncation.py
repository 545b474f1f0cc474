"""Replies cut off."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.truncation import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import a_run, findings, only, worst

RULE = "truncation"


@pytest.mark.parametrize(
    ("share", "severity"),
    [
        (LIMITS.warning - 0.01, None),
        (LIMITS.warning + 0.01, Severity.WARNING),
        (LIMITS.high - 0.01, Severity.WARNING),
        (LIMITS.high + 0.01, Severity.HIGH),
        (LIMITS.critical - 0.01, Severity.HIGH),
        (LIMITS.critical + 0.01, Severity.CRITICAL),
    ],
)
def test_the_limits(share: float, severity: Severity | None) -> None:
    assert worst(RULE, a_run(Algorithm.GRPO).with_metric("completions/clipped_ratio", [share] * 30)) is severity


def test_onset_and_detection() -> None:
    found = only(RULE, a_run(Algorithm.GRPO).with_metric("completions/clipped_ratio", [0.0] * 20 + [1.0] * 20))
    assert (found.first_step, found.detected_step) == (21, 25), "five of ten put the median at one half"
    early = only(RULE, a_run(Algorithm.GRPO).with_metric("completions/clipped_ratio", [1.0] * 20))
    assert (early.first_step, early.detected_step) == (1, LIMITS.at_least)


def test_long_replies_now_and_then_are_silent() -> None:
    run = a_run(Algorithm.GRPO).with_metric("completions/clipped_ratio", [0.0, 0.0, 1.0] * 20)
    assert not findings(RULE, run)


def test_the_advice_names_todays_limit() -> None:
    run = a_run(Algorithm.GRPO, config={"max_completion_length": 256})
    (advice, *_) = only(RULE, run.with_metric("completions/clipped_ratio", [1.0] * 20)).advice
    assert (advice.parameter, advice.current, advice.proposed) == ("max_completion_length", 256.0, "512")


@pytest.mark.parametrize("algorithm", [Algorithm.DPO, Algorithm.SFT])
def test_trainers_that_sample_nothing_are_left_out(algorithm: Algorithm) -> None:
    assert not findings(RULE, a_run(algorithm).with_metric("completions/clipped_ratio", [1.0] * 20))
