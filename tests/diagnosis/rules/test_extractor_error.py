"""What could not be recorded."""

from __future__ import annotations

from rldk_tui.diagnosis.rules.extractor_error import LIMITS
from rldk_tui.events import Algorithm, ExtractionError, Severity
from rldk_tui.run import RunSnapshot, RunStore
from tests.builders import OURS, a_run, diagnosis_of, findings, only, snapshot_of

RULE = "extractor-error"


def failed(times: int, logs: int = 100) -> RunSnapshot:
    store = RunStore("run")
    for event, origin in a_run(Algorithm.GRPO).with_metric("loss", [1.0] * logs).events():
        store.add(event, origin)
    for index in range(times):
        message = "no number:\n'cosine'"
        store.add(ExtractionError(time=1e6, step=7 + index, metric=f"my/{index}", message=message, advice="log it"), OURS)
    return snapshot_of(store)


def test_a_failure_is_told_in_one_line() -> None:
    found = only(RULE, failed(1))
    assert (found.severity, found.first_step) == (Severity.WARNING, 7)
    assert found.summary == "Recording failed once (my/0): no number: 'cosine'"
    assert found.advice[0].text == "log it"


def test_many_failures_are_high() -> None:
    assert only(RULE, failed(LIMITS.at_least)).severity is Severity.HIGH
    assert only(RULE, failed(LIMITS.at_least, logs=1000)).severity is Severity.WARNING
    assert only(RULE, failed(LIMITS.at_least - 1, logs=10)).severity is Severity.WARNING
    assert "my/3, ..." in only(RULE, failed(9)).summary


def test_without_failures_it_is_silent() -> None:
    assert not findings(RULE, failed(0))


def test_without_our_log_it_is_not_evaluated() -> None:
    run = a_run(Algorithm.GRPO).with_metric("loss", [1.0] * 10).without_clock()
    assert diagnosis_of(RULE, run.snapshot()).not_evaluated
