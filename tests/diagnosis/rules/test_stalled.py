"""A run that hangs."""

from __future__ import annotations

import pytest

from rldk_tui.diagnosis.rules.stalled import LIMITS
from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, diagnosis_of, findings, only

RULE = "stalled"


def going(steps: int = 100, world_size: int = 1) -> RunBuilder:
    """A step a second."""
    return a_run(Algorithm.GRPO, max_steps=200, world_size=world_size).with_metric("loss", [1.0] * steps)


@pytest.mark.parametrize(
    ("silent", "severity"),
    [(20.0, None), (59.0, None), (600.0, Severity.WARNING), (LIMITS.high + 1.0, Severity.HIGH)],
)
def test_silence_far_beyond_its_own_pace(silent: float, severity: Severity | None) -> None:
    found = findings(RULE, going().snapshot(alive=True, silent=silent))
    assert [finding.severity for finding in found] == ([] if severity is None else [severity])


def test_the_words() -> None:
    found = only(RULE, going().snapshot(alive=True, silent=600.0))
    assert "stalled at step 100 of 200" in found.summary
    assert "10 minutes ago" in found.summary
    assert "py-spy dump --pid 1 " in found.advice[0].text
    assert "ddp_timeout" not in {advice.parameter for advice in found.advice}
    found = only(RULE, going(world_size=2).snapshot(alive=True, silent=600.0))
    assert found.advice[-1].parameter == "ddp_timeout"


def test_what_is_dead_or_over_is_not_stalled() -> None:
    assert not findings(RULE, going().snapshot(alive=False, silent=600.0))
    assert not findings(RULE, going().snapshot(silent=1e4))
    assert not findings(RULE, going().ended().snapshot(alive=True, silent=600.0))
    assert not findings(RULE, going(200).snapshot(alive=True, silent=600.0))


def test_without_a_clock_it_is_not_evaluated() -> None:
    assert diagnosis_of(RULE, going().without_clock().snapshot()).not_evaluated
