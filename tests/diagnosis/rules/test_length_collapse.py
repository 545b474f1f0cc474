"""Next to nothing is said any more."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.lengths import READS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "length-collapse"


def shrunk(to: float, *, metric: str = READS[0], reward: float = 0.5) -> RunBuilder:
    run = a_run(Algorithm.GRPO).with_metric(metric, [100.0] * 20 + [to] * 20)
    return run.with_metric("reward", [0.5] * 20 + [reward] * 20).with_metric("reward_std", [0.4] * 40)


@pytest.mark.parametrize(("to", "severity"), [(31.0, None), (29.0, Severity.INFO), (14.0, Severity.WARNING)])
def test_the_limits(to: float, severity: Severity | None) -> None:
    assert worst(RULE, shrunk(to)) is severity


@pytest.mark.parametrize("metric", READS)
def test_onset_and_detection(metric: str) -> None:
    found = only(RULE, shrunk(10.0, metric=metric))
    assert (found.first_step, found.detected_step) == (21, 28)


def test_a_rising_reward_says_that_shortness_pays() -> None:
    found = only(RULE, shrunk(10.0, reward=0.9))
    assert found.severity is Severity.WARNING, "high only beside another finding"
    run = shrunk(10.0, reward=0.9).with_metric("entropy", [2.0] * 20 + [0.0] * 20)
    assert only(RULE, run).severity is Severity.WARNING


def test_the_first_twenty_logs_are_waited_for() -> None:
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric(READS[0], [100.0] * 4 + [5.0] * 16))


def test_learning_to_end_is_no_collapse() -> None:
    run = a_run(Algorithm.GRPO).with_metric("completions/mean_length", [500.0] * 30 + [60.0] * 30)
    run = run.with_metric("completions/mean_terminated_length", [70.0] * 30 + [60.0] * 30)
    assert not findings(RULE, run.with_metric("completions/clipped_ratio", [0.9] * 30 + [0.0] * 30))


def test_short_replies_now_and_then_are_silent() -> None:
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric(READS[0], [100.0] * 20 + [5.0, 100.0, 5.0] * 20))


def test_the_words() -> None:
    assert only(RULE, shrunk(10.0)).summary == (
        "Replies shrank from 100 to 10 tokens by step 28, 10 % of what they were at first (limit 15 %)."
    )
    assert "has settled" in (only(RULE, shrunk(10.0)).cause or "")


def test_trainers_that_sample_nothing_are_left_out() -> None:
    assert not findings(RULE, a_run(Algorithm.SFT).with_metric("completions/mean_length", [100.0] * 20 + [1.0] * 20))
