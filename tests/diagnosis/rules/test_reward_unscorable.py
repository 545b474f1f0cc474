"""A reward of None."""

from __future__ import annotations

import math

import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import a_run, findings, only, worst

RULE = "reward-unscorable"


@pytest.mark.parametrize(("nulls", "severity"), [(1, Severity.HIGH), (2, Severity.HIGH), (3, Severity.CRITICAL)])
def test_the_limits(nulls: int, severity: Severity) -> None:
    found = only(RULE, a_run(Algorithm.GRPO).with_metric("reward", [0.5] * 20 + [None] * nulls))
    assert (found.severity, found.first_step, found.detected_step) == (severity, 21, 21)


def test_nan_and_absence_are_other_things() -> None:
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric("reward", [0.5, ..., math.nan, ..., 0.5]))


def test_one_function_of_several_may_return_none_by_design() -> None:
    run = a_run(Algorithm.GRPO).with_metric("reward", [0.5] * 9).with_metric("rewards/code/mean", [None] * 9)
    assert not findings(RULE, run)


def test_what_still_moves_the_weights_is_told() -> None:
    with_kl = only(RULE, a_run(Algorithm.GRPO, config={"beta": 0.04}).with_metric("reward", [None]))
    without = only(RULE, a_run(Algorithm.GRPO, config={"beta": 0.0}).with_metric("reward", [None]))
    assert "KL term alone" in (with_kl.cause or "")
    assert "by nothing" in (without.cause or "")


def test_it_closes_when_rewards_come_back() -> None:
    found = only(RULE, a_run(Algorithm.RLOO).with_metric("reward", [None] * 4 + [0.5] * 10))
    assert not found.open


def test_trainers_without_replies_are_left_out() -> None:
    assert not findings(RULE, a_run(Algorithm.REWARD).with_metric("reward", [None] * 4))


@pytest.mark.parametrize(
    ("share", "severity"), [(0.02, None), (0.03, Severity.WARNING), (0.25, Severity.WARNING), (0.3, Severity.HIGH)]
)
def test_a_part_without_a_score_shows_in_the_generations_alone(share: float, severity: Severity | None) -> None:
    run = a_run(Algorithm.GRPO).with_metric("reward", [0.5] * 30)
    assert worst(RULE, run.with_measured("samples/unscored", [0.0] * 20 + [share] * 10)) is severity


def test_one_log_with_an_unscored_reply_is_silent_and_the_share_is_told() -> None:
    run = a_run(Algorithm.GRPO).with_metric("reward", [0.5] * 30)
    assert not findings(RULE, run.with_measured("samples/unscored", [0.0] * 20 + [0.1, 0.0, 0.1] + [0.0] * 7))
    found = only(RULE, run.with_measured("samples/unscored", [0.0] * 20 + [0.31] * 10))
    assert "31 %" in found.summary
    assert (found.first_step, found.detected_step) == (21, 23)


def test_a_batch_without_any_score_is_told_once() -> None:
    run = a_run(Algorithm.GRPO).with_metric("reward", [0.5] * 20 + [None] * 10)
    assert only(RULE, run.with_measured("samples/unscored", [0.0] * 20 + [1.0] * 10)).metric == "reward"
