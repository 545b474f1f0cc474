"""Replies that run in circles."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rldk_tui.diagnosis.rules.repetition_loop import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, Value, a_run, findings, only, worst

RULE = "repetition-loop"


def looping(shares: Sequence[Value], count: float = 32.0) -> RunBuilder:
    run = a_run(Algorithm.GRPO).with_metric("samples/repeating", shares)
    return run.with_metric("samples/count", [count] * len(shares))


@pytest.mark.parametrize(
    ("share", "severity"),
    [
        (LIMITS.warning - 0.01, None),
        (LIMITS.warning + 0.01, Severity.WARNING),
        (LIMITS.high - 0.01, Severity.WARNING),
        (LIMITS.high + 0.01, Severity.HIGH),
    ],
)
def test_the_limits(share: float, severity: Severity | None) -> None:
    assert worst(RULE, looping([0.0] * 10 + [share] * 20)) is severity


def test_onset_and_detection() -> None:
    found = only(RULE, looping([0.0] * 20 + [0.6] * 20))
    assert (found.first_step, found.detected_step) == (21, 23), "three of eight batches put the pooled share above the limit"
    assert "0 % in the first batches" in found.summary


@pytest.mark.parametrize(
    "run",
    [
        looping([0.3] * 40),
        looping([0.0] * 10 + [1.0] + [0.0] * 30),
        looping([0.0] * 10 + [1.0] * 4, count=3.0),
    ],
    ids=["it looped from the start", "one batch", "too few replies"],
)
def test_what_stays_silent(run: RunBuilder) -> None:
    assert not findings(RULE, run)


def test_a_batch_that_is_logged_again_counts_once() -> None:
    shares = [0.0] * 10 + [1.0] * 8 + [0.0] * 10
    marks = [*range(10), *[10] * 8, *range(11, 21)]
    again = looping(shares).with_metric("samples/batch_mark", [float(mark) for mark in marks])
    assert findings(RULE, looping(shares))
    assert not findings(RULE, again)


def test_the_advice() -> None:
    found = only(RULE, looping([0.0] * 20 + [0.6] * 20))
    assert "get_repetition_penalty_reward" in " ".join(item.text for item in found.advice)


@pytest.mark.parametrize(
    ("name", "where"), [("33/7", ", e.g. row 7 of step 33."), ("{x}", "first batches)."), ("a\nb/1", ").")]
)
def test_only_a_row_of_a_step_is_named(name: str, where: str) -> None:
    run = looping([...] * 40).with_measured("samples/repeating", [0.0] * 20 + [0.6] * 20, about=(name,))
    assert only(RULE, run).summary.endswith(where)
