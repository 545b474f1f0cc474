"""A run that stopped before its end."""

from __future__ import annotations

import math

from rldk_tui.events import Algorithm, Checkpoint, Severity
from rldk_tui.run import RunSnapshot, RunStore
from tests.builders import OURS, RunBuilder, a_run, diagnosis_of, findings, only, snapshot_of

RULE = "run-died"


def going(steps: int = 100, max_steps: int | None = 200) -> RunBuilder:
    return a_run(Algorithm.GRPO, max_steps=max_steps).with_metric("loss", [1.0] * steps)


def test_a_process_that_is_gone_has_died_at_its_last_step() -> None:
    found = only(RULE, going().snapshot(alive=False))
    assert (found.severity, found.first_step, found.id) == (Severity.CRITICAL, 100, "run-died:run:100")
    assert "step 100 of 200" in found.summary
    assert "There is no checkpoint" in found.advice[-1].text


def test_a_living_process_is_never_taken_for_dead() -> None:
    assert not findings(RULE, going().snapshot(alive=True, silent=1e6))


def test_a_process_that_cannot_be_asked_is_taken_for_dead_after_a_hundred_times_its_pace() -> None:
    assert not findings(RULE, going().snapshot(silent=250.0))
    assert only(RULE, going().snapshot(silent=1e4)).severity is Severity.CRITICAL


def test_a_run_that_ended_is_silent() -> None:
    assert not findings(RULE, going(200).ended().snapshot(silent=1e6, alive=False))
    assert not findings(RULE, going(200).ended().without_clock().snapshot())
    assert not findings(RULE, going().ended("stopped early").snapshot(silent=1e6, alive=False))


def test_without_a_clock_nothing_is_said_and_that_is_said() -> None:
    diagnosis = diagnosis_of(RULE, going().without_clock().snapshot())
    assert not diagnosis.findings
    assert "no clock" in diagnosis.not_evaluated[0].reason


def test_without_a_goal_silence_alone_proves_nothing() -> None:
    diagnosis = diagnosis_of(RULE, going(max_steps=None).snapshot(silent=1e6))
    assert not diagnosis.findings
    assert "planned" in diagnosis.not_evaluated[0].reason


def test_a_run_that_logged_nothing_yet_is_not_judged() -> None:
    assert diagnosis_of(RULE, a_run().without_clock().snapshot()).not_evaluated


def with_checkpoints(algorithm: Algorithm, *checkpoints: Checkpoint) -> RunSnapshot:
    store = RunStore("run")
    for event, origin in a_run(algorithm, max_steps=200).with_metric("loss", [1.0] * 100).events():
        store.add(event, origin)
    for checkpoint in checkpoints:
        store.add(checkpoint, OURS)
    return snapshot_of(store, alive=False)


def saved(step: int, *, seen: bool = True, complete: bool | None = True) -> Checkpoint:
    return Checkpoint(time=math.nan if seen else 1e6 + step, step=step, path=f"checkpoint-{step}", complete=complete)


def test_a_checkpoint_that_was_seen_is_preferred_and_one_that_was_not_is_worded_so() -> None:
    advice = only(RULE, with_checkpoints(Algorithm.GRPO, saved(40), saved(60, seen=False))).advice[-1]
    assert (advice.parameter, advice.proposed) == ("resume_from_checkpoint", "checkpoint-40")
    assert "still there" not in advice.text
    advice = only(RULE, with_checkpoints(Algorithm.GRPO, saved(60, seen=False))).advice[-1]
    assert "if it is still there" in advice.text
    advice = only(RULE, with_checkpoints(Algorithm.GRPO, saved(40), saved(60, complete=None))).advice[-1]
    assert advice.proposed == "checkpoint-40"
    advice = only(RULE, with_checkpoints(Algorithm.GRPO, saved(60, complete=None), saved(80, complete=False))).advice[-1]
    assert "step 60, if it is complete" in advice.text


def test_ppo_cannot_resume() -> None:
    advice = only(RULE, with_checkpoints(Algorithm.PPO, saved(60))).advice[-1]
    assert advice.parameter is None
    assert "from the weights of the checkpoint of step 60" in advice.text
