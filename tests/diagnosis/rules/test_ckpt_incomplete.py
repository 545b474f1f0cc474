"""Checkpoints that were not written to their end."""

from __future__ import annotations

import math

import pytest

from rldk_tui.events import Algorithm, Checkpoint, Severity
from rldk_tui.run import RunSnapshot, RunStore
from tests.builders import OURS, a_run, diagnosis_of, findings, only, snapshot_of, worst

RULE = "ckpt-incomplete"


COMPLETE = {"+": True, "-": False, "?": None}


def saved(folders: str, *, alive: bool | None = False, algorithm: Algorithm = Algorithm.GRPO, **config: object) -> RunSnapshot:
    """Checkpoints of steps 20, 40, ... of a run that lives or died: whole (+), torn (-), or not looked at (?)."""
    store = RunStore("run")
    for event, origin in a_run(algorithm, config=config, max_steps=200).with_metric("loss", [1.0] * 100).events():
        store.add(event, origin)
    for number, folder in enumerate(folders, 1):
        path = f"checkpoint-{20 * number}"
        store.add(Checkpoint(time=math.nan, step=20 * number, path=path, complete=COMPLETE[folder]), OURS)
    return snapshot_of(store, alive=alive)


@pytest.mark.parametrize(
    ("folders", "severity"),
    [
        ("++", None),
        ("+?", None),
        ("+-", Severity.HIGH),
        ("-", Severity.HIGH),
        ("-+", Severity.WARNING),
    ],
)
def test_what_is_left_of_a_run_that_died(folders: str, severity: Severity | None) -> None:
    assert worst(RULE, saved(folders)) is severity


def test_what_a_living_run_is_writing_is_not_incomplete_yet() -> None:
    assert not findings(RULE, saved("+-", alive=True))
    assert worst(RULE, saved("-+-", alive=True)) is Severity.WARNING


def test_weights_alone_are_never_resumed_from() -> None:
    assert worst(RULE, saved("+-", save_only_model=True)) is Severity.INFO


@pytest.mark.parametrize("folders", ["", "??"])
def test_without_a_look_at_the_folders_it_is_not_judged(folders: str) -> None:
    (silent,) = diagnosis_of(RULE, saved(folders)).not_evaluated
    assert silent.applicable


def test_the_words() -> None:
    found = only(RULE, saved("+--"))
    assert found.summary.startswith("2 checkpoints (steps 40, 60) are incomplete")
    assert found.first_step == 60
    assert (found.advice[0].parameter, found.advice[0].proposed) == ("resume_from_checkpoint", "checkpoint-20")
    assert "Delete checkpoint-60" in found.advice[1].text
    assert "no complete checkpoint" in only(RULE, saved("-")).advice[0].text
    assert only(RULE, saved("+-", algorithm=Algorithm.PPO)).advice[0].parameter is None
