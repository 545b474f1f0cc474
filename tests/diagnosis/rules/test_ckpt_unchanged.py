"""Two checkpoints alike."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rldk_tui.diagnosis.rules.ckpt_unchanged import SINCE
from rldk_tui.events import Severity
from tests.builders import RunBuilder, Value, a_run, findings, only, worst

RULE, METRIC = "ckpt-unchanged", "checkpoint/largest_change"


def run(changes: Sequence[Value], since: float = 10.0, rates: Sequence[Value] = (1e-5,) * 60) -> RunBuilder:
    saved = a_run().with_metric("learning_rate", rates)
    return saved.with_measured(METRIC, changes, first=20, every=10).with_measured(
        SINCE, [since] * len(changes), first=20, every=10
    )


@pytest.mark.parametrize(("change", "severity"), [(0.0, Severity.CRITICAL), (9e-8, Severity.CRITICAL), (1.1e-7, None)])
def test_the_limit(change: float, severity: Severity | None) -> None:
    assert worst(RULE, run([0.01, change])) is severity


def test_saving_twice_at_one_step_is_no_fault() -> None:
    assert not findings(RULE, run([0.0], since=0.0))


def test_with_the_learning_rate_off_nothing_is_to_change() -> None:
    assert not findings(RULE, run([0.01, 0.0, 0.0], rates=[1e-5] * 15 + [0.0] * 45))
    ended = run([0.01, 0.0], rates=[1e-5] * 25 + [0.0] * 35)
    assert worst(RULE, ended) is Severity.CRITICAL, "it was on at the checkpoint before"


def test_files_without_a_log_are_judged_by_themselves() -> None:
    assert worst(RULE, a_run().with_measured(METRIC, [0.0], first=20)) is Severity.CRITICAL


def test_the_words_and_the_end() -> None:
    found = only(RULE, run([0.01, 0.0, 0.0, 0.01]))
    assert (found.first_step, found.last_step, found.open) == (30, 40, False)
    assert "step 30 holds the same weights as the one before it, 10 steps before" in found.summary


def test_a_single_step_is_no_plural() -> None:
    assert "before it, 1 step before" in only(RULE, run([0.01, 0.0], since=1.0)).summary
