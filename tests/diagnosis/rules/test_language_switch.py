"""Replies in another script than their prompt."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.language_switch import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, worst

RULE = "language-switch"


def switching(before: float, after: float, count: float = 32.0) -> RunBuilder:
    run = a_run(Algorithm.GRPO).with_metric("samples/script_mismatch", [before] * 10 + [after] * 20)
    return run.with_metric("samples/count", [count] * 30)


@pytest.mark.parametrize(
    ("before", "after", "severity"),
    [
        (0.0, LIMITS.warning - 0.01, None),
        (0.0, LIMITS.warning + 0.01, Severity.WARNING),
        (0.0, LIMITS.high - 0.01, Severity.WARNING),
        (0.0, LIMITS.high + 0.01, Severity.HIGH),
        (0.05, 0.14, None),
        (0.05, 0.16, Severity.WARNING),
        (0.9, 1.0, None),
    ],
    ids=["few", "more", "almost a third", "a third", "not thrice the start", "thrice the start", "a task of translation"],
)
def test_the_limits(before: float, after: float, severity: Severity | None) -> None:
    assert worst(RULE, switching(before, after)) is severity


def test_sixty_four_replies_are_wanted() -> None:
    assert not findings(RULE, switching(0.0, 0.5, count=7.9))
    assert findings(RULE, switching(0.0, 0.5, count=8.0))
