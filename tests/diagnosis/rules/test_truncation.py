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


@pytest.mark.parametrize(
    ("beside", "sign"),
    [
        ({"kl": LIMITS.drift + 0.01}, "KL was 0.51"),
        ({"kl": LIMITS.drift - 0.01}, None),
        ({"entropy": LIMITS.spent - 0.01}, "entropy was 0.04"),
        ({"entropy": LIMITS.spent + 0.01}, None),
        ({}, None),
    ],
)
def test_a_broken_policy_is_the_cause_and_longer_replies_the_last_thing_to_try(
    beside: dict[str, float], sign: str | None
) -> None:
    run = a_run(Algorithm.GRPO, config={"max_completion_length": 256})
    run = run.with_metric("completions/clipped_ratio", [0.0] * 10 + [1.0] * 20)
    for name, value in beside.items():
        run = run.with_metric(name, [0.0 if name == "kl" else 1.0] * 5 + [value] * 25)
    found = only(RULE, run)
    assert [item.parameter for item in found.advice].index("max_completion_length") == (0 if sign is None else 2)
    assert (sign or "within the allowed length") in (found.cause or "")


def test_what_a_wrong_reference_adds_breaks_no_policy() -> None:
    run = a_run(Algorithm.GRPO).with_metrics(kl=[0.8] * 30)
    found = only(RULE, run.with_metric("completions/clipped_ratio", [1.0] * 30))
    assert "broken" not in (found.cause or "")


def test_the_limit_is_called_by_the_trainers_own_name() -> None:
    run = a_run(Algorithm.PPO, config={"response_length": 53, "missing_eos_penalty": None})
    advice = only(RULE, run.with_metric("completions/clipped_ratio", [1.0] * 20)).advice
    assert [(item.parameter, item.proposed) for item in advice] == [("response_length", "106"), ("missing_eos_penalty", "1.0")]


def test_ppo_logs_no_share_and_is_judged_by_what_the_callback_counts() -> None:
    run = a_run(Algorithm.PPO, config={"response_length": 53, "missing_eos_penalty": None})
    found = only(RULE, run.with_measured("hook/rollout_truncated", [LIMITS.high + 0.01] * 20))
    assert (found.severity, found.metric) == (Severity.HIGH, "hook/rollout_truncated")
