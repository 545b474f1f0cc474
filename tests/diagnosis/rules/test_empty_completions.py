"""A policy that says nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, Value, a_run, findings, only, worst

RULE = "empty-completions"


def replies(shares: Sequence[Value], count: float = 32.0) -> RunBuilder:
    run = a_run(Algorithm.GRPO).with_metric("samples/empty", shares)
    return run.with_metric("samples/count", [count] * len(shares))


def lengths(values: Sequence[Value], algorithm: Algorithm = Algorithm.GRPO) -> RunBuilder:
    return a_run(algorithm).with_metric("completions/mean_length", values)


@pytest.mark.parametrize(
    ("before", "after", "severity"),
    [(0.0, 0.29, None), (0.0, 0.31, Severity.HIGH), (0.25, 0.44, None), (0.25, 0.46, Severity.HIGH), (1.0, 1.0, None)],
)
def test_the_share_of_empty_replies(before: float, after: float, severity: Severity | None) -> None:
    assert worst(RULE, replies([before] * 10 + [after] * 20)) is severity


@pytest.mark.parametrize(("before", "after", "severity"), [(100.0, 10.1, None), (100.0, 9.9, Severity.HIGH), (9.0, 0.5, None)])
def test_the_logged_length(before: float, after: float, severity: Severity | None) -> None:
    assert worst(RULE, lengths([before] * 20 + [after] * 20)) is severity


def test_onset_and_detection() -> None:
    by_share = only(RULE, replies([0.0] * 20 + [1.0] * 20))
    assert (by_share.first_step, by_share.detected_step) == (21, 23)
    by_length = only(RULE, lengths([100.0] * 20 + [2.0] * 20))
    assert (by_length.first_step, by_length.detected_step) == (21, 25)
    assert "2 tokens" in by_length.summary


def test_both_are_one_finding() -> None:
    run = replies([0.0] * 20 + [1.0] * 20).with_metric("completions/mean_length", [100.0] * 20 + [2.0] * 20)
    assert "100 % of the replies" in only(RULE, run).summary


def test_a_trainer_that_samples_nothing_is_left_out() -> None:
    assert not findings(RULE, lengths([100.0] * 20 + [2.0] * 20, Algorithm.SFT))
