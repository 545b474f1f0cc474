"""A learning rate of zero."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.lr_zero import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only

RULE = "lr-zero"


def rates(values: list[float], **config: object) -> RunBuilder:
    return a_run(Algorithm.GRPO, config=config, max_steps=200).with_metric("learning_rate", values)


def test_never_above_zero() -> None:
    found = only(RULE, rates([0.0] * 20, learning_rate=0.0))
    assert (found.severity, found.first_step, found.detected_step) == (Severity.CRITICAL, 1, LIMITS.never)
    assert "from step 1 of 200 on" in found.summary
    assert (found.advice[0].parameter, found.advice[0].proposed) == ("learning_rate", "1e-06")
    assert not findings(RULE, rates([0.0] * (LIMITS.never - 1) + [1e-6] * 20))


def test_dropped_to_zero() -> None:
    found = only(RULE, rates([1e-6] * 30 + [0.0] * 30))
    assert (found.first_step, found.detected_step, found.open) == (31, 30 + LIMITS.dropped, True)
    assert "it was 1e-06 before" in found.summary
    assert not findings(RULE, rates([1e-6] * 30 + [0.0] * (LIMITS.dropped - 1) + [1e-6] * 30))


def test_it_closes_when_the_rate_rises_again() -> None:
    found = only(RULE, rates([1e-6] * 30 + [0.0] * 10 + [1e-6] * 30))
    assert (found.open, found.last_step) == (False, 40)


@pytest.mark.parametrize("values", [[0.0, *[1e-7 * step for step in range(1, 60)]], [1e-6] * 196 + [0.0] * 4, [1e-12] * 60])
def test_the_beginning_and_the_end_of_a_schedule_are_silent(values: list[float]) -> None:
    assert not findings(RULE, rates(values))


def test_what_the_settings_tell_of_the_cause() -> None:
    warm_up = only(RULE, rates([0.0] * 20, learning_rate=1e-6, warmup_steps=1000))
    assert (warm_up.advice[0].parameter, warm_up.advice[0].proposed) == ("warmup_steps", "4")
    schedule = only(RULE, rates([0.0] * 20, learning_rate=1e-6, lr_scheduler_type="polynomial"))
    assert (schedule.advice[0].parameter, schedule.advice[0].current) == ("lr_scheduler_type", "polynomial")
