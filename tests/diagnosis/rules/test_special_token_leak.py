"""Template tokens in replies."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.special_token_leak import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "special-token-leak"


def leaking(share: float, count: float = 32.0, batches: int = 10) -> RunBuilder:
    run = a_run(Algorithm.GRPO, config={"chat_template_path": None})
    return run.with_metric("samples/special_tokens", [share] * batches).with_metric("samples/count", [count] * batches)


@pytest.mark.parametrize(
    ("share", "severity"),
    [
        (LIMITS.warning - 0.01, None),
        (LIMITS.warning + 0.01, Severity.WARNING),
        (LIMITS.high - 0.01, Severity.WARNING),
        (LIMITS.high + 0.01, Severity.HIGH),
    ],
)
def test_the_limits_hold_from_the_start(share: float, severity: Severity | None) -> None:
    assert worst(RULE, leaking(share)) is severity


def test_few_replies_tell_nothing() -> None:
    assert not findings(RULE, leaking(1.0, batches=LIMITS.at_least - 1))
    assert not findings(RULE, leaking(1.0, count=1.0))


def test_the_advice_names_the_template() -> None:
    assert "chat_template_path" in [item.parameter for item in only(RULE, leaking(0.5)).advice]
