"""Tools that fail, and tools that are called no more."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.tool_failure import CALLS, FAILURES
from rldk_tui.events import Algorithm, Severity
from tests.builders import a_run, findings, only, worst

RULE = "tool-failure"


@pytest.mark.parametrize(("share", "severity"), [(0.49, None), (0.51, Severity.WARNING)])
def test_the_limit_of_failures(share: float, severity: Severity | None) -> None:
    assert worst(RULE, a_run(Algorithm.GRPO).with_metric(FAILURES, [share] * 40)) is severity


def test_onset_and_detection() -> None:
    found = only(RULE, a_run(Algorithm.GRPO).with_metric(FAILURES, [0.1] * 30 + [0.9] * 20))
    assert (found.first_step, found.detected_step) == (31, 40)


def test_the_first_logs_are_exploration() -> None:
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric(FAILURES, [0.9] * 12 + [0.2] * 30))


def test_where_nothing_is_called_nothing_fails() -> None:
    run = a_run(Algorithm.GRPO).with_metric(FAILURES, [1.0] * 40)
    assert not findings(RULE, run.with_metric(CALLS, [0.0] * 40))


@pytest.mark.parametrize(("before", "speaks"), [(0.19, False), (0.21, True)])
def test_calls_that_die_out(before: float, speaks: bool) -> None:
    run = a_run(Algorithm.GRPO).with_metric(CALLS, [before] * 30 + [0.0] * 20)
    assert bool(findings(RULE, run)) is speaks


def test_calls_that_become_rarer_are_silent() -> None:
    assert not findings(RULE, a_run(Algorithm.GRPO).with_metric(CALLS, [1.5] * 30 + [0.1] * 30))


def test_the_words() -> None:
    failed = only(RULE, a_run(Algorithm.GRPO, config={"temperature": 1.0}).with_metric(FAILURES, [0.75] * 40))
    assert "75 % of the tool calls failed" in failed.summary
    assert [item.proposed for item in failed.advice if item.parameter] == ["0.8"]
    gone = only(RULE, a_run(Algorithm.GRPO).with_metric(CALLS, [1.5] * 30 + [0.0] * 30))
    assert "after up to 1.5" in gone.summary
