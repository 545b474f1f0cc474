"""A run that ended in good order, but early."""

from __future__ import annotations

from rldk_tui.events import Algorithm, Severity
from tests.builders import RunBuilder, a_run, findings, only

RULE = "run-ended-early"


def going(steps: int, max_steps: int | None = 200) -> RunBuilder:
    return a_run(Algorithm.GRPO, max_steps=max_steps).with_metric("loss", [1.0] * steps)


def test_an_end_short_of_the_goal_is_remarked() -> None:
    found = only(RULE, going(100).ended("stopped early").snapshot(silent=1e6, alive=False))
    assert (found.severity, found.first_step) == (Severity.INFO, 100)
    assert "step 100 of 200" in found.summary


def test_an_end_at_the_goal_is_silent() -> None:
    assert not findings(RULE, going(200).ended().snapshot(silent=1e6, alive=False))
    assert not findings(RULE, going(200).ended().without_clock().snapshot())


def test_without_a_goal_no_end_is_early() -> None:
    assert not findings(RULE, going(100, max_steps=None).ended().snapshot())


def test_a_death_and_a_run_that_goes_on_are_none() -> None:
    assert not findings(RULE, going(100).snapshot(alive=False))
    assert not findings(RULE, going(100).snapshot(alive=True))
