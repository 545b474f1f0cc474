"""What is measured on checkpoints lands in the run's log, and its rules speak of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from rldk_tui.checkpoints.record import LOG, record_checkpoints
from rldk_tui.errors import UserError
from rldk_tui.events import ExtractionError, Measured, Metrics, RunStarted, decode_line
from rldk_tui.events.writer import EventWriter
from rldk_tui.session import RunSession
from tests.checkpoints.made import Weights, checkpoint, sharded, trained, weights

UP = "model.layers.3.mlp.up_proj.weight"


def a_run(folder: Path, *steps: Weights) -> Path:
    """A run that logged every step, with a checkpoint every ten."""
    with EventWriter(folder / "rldk" / "events-rank00000.jsonl") as log:
        log.append(RunStarted(time=1e9, schema_version=1, run_id="r", host="h", pid=1, config={"learning_rate": 1e-5}))
        for step in range(1, 10 * len(steps) + 2):
            log.append(Metrics(time=1e9 + step, step=step, values={"loss": 1.0, "learning_rate": 1e-5}))
    for number, content in enumerate(steps, 1):
        checkpoint(folder, 10 * number, content)
    return folder


def measured(run: Path) -> list[Measured]:
    events = [decode_line(line) for line in (run / "rldk" / LOG).read_bytes().splitlines()]
    return [event for event in events if isinstance(event, Measured)]


def test_a_fault_in_a_checkpoint_is_a_finding_of_the_run(tmp_path: Path) -> None:
    first = weights()
    second = trained(first)
    third = trained(second, 2)
    third[UP][0, 0] = np.inf
    run = a_run(tmp_path, first, second, third)
    record_checkpoints(run)
    health = RunSession.open(run).poll()
    finding = next(finding for finding in health.findings if finding.rule == "ckpt-nonfinite")
    assert (finding.first_step, finding.severity.value) == (30, "critical")
    assert UP in finding.summary
    assert len(health.snapshot.segments) == 1, "the measurements join the launch that logged their steps"
    assert not health.snapshot.problems
    assert {"ckpt-unchanged", "ckpt-weight-jump", "ckpt-dead-units", "ckpt-norm-gain-drift"} <= set(health.evaluated)


def test_an_unchanged_save_is_a_finding_of_the_run(tmp_path: Path) -> None:
    run = a_run(tmp_path, weights(), weights())
    record_checkpoints(run)
    assert "ckpt-unchanged" in {finding.rule for finding in RunSession.open(run).poll().findings}


def test_what_is_recorded_is_not_recorded_again_until_it_is_saved_anew(tmp_path: Path) -> None:
    run = a_run(tmp_path, weights(), trained(weights()))
    assert [analysis.step for analysis in record_checkpoints(run)[0]] == [10, 20]
    assert record_checkpoints(run)[0] == []
    shutil.rmtree(run / "checkpoint-20")
    checkpoint(run, 20, trained(weights(), 5))
    assert [analysis.step for analysis in record_checkpoints(run)[0]] == [20]
    assert [event.step for event in measured(run)] == [10, 20, 20]


def test_one_that_is_rotated_away_while_it_is_read_is_no_broken_one(tmp_path: Path) -> None:
    run = a_run(tmp_path, weights(), trained(weights()))

    def rotate(_done: int, _all: int) -> None:
        shutil.rmtree(run / "checkpoint-10", ignore_errors=True)

    assert [analysis.step for analysis in record_checkpoints(run, progress=rotate)[0]] == [20]
    assert [event.step for event in measured(run)] == [20]


def test_one_at_a_time_as_the_trainer_rotates_them(tmp_path: Path) -> None:
    first = weights()
    run = a_run(tmp_path, first)
    record_checkpoints(run, [run / "checkpoint-10"])
    shutil.rmtree(run / "checkpoint-10")
    record_checkpoints(run, [checkpoint(run, 20, trained(first))])
    values = measured(run)[-1].values
    assert values["checkpoint/steps_since"] == 10
    assert 0 < (values["checkpoint/largest_change"] or 0.0) < 0.1


def test_a_base_model_stands_for_the_beginning(tmp_path: Path) -> None:
    base = checkpoint(tmp_path / "base", 1, weights())
    (base / "trainer_state.json").unlink()
    run = a_run(tmp_path / "run", trained(weights()))
    analyses, _ = record_checkpoints(run, base=base.rename(tmp_path / "model"))
    assert analyses[0].since_first is not None
    assert analyses[0].since_first.steps == 10


def test_what_cannot_be_read_is_on_record(tmp_path: Path) -> None:
    run = a_run(tmp_path, weights())
    shutil.rmtree(run / "checkpoint-10")
    folder = sharded(run, 10, weights())
    (folder / "model-00001-of-00003.safetensors").write_bytes(b"")
    record_checkpoints(run)
    events = [decode_line(line) for line in (run / "rldk" / LOG).read_bytes().splitlines()]
    errors = [event for event in events if isinstance(event, ExtractionError)]
    assert errors
    assert all(error.step == 10 for error in errors)
    assert measured(run)[0].values["checkpoint/nonfinite_tensors"] == 0


def test_the_record_is_no_sign_of_life(tmp_path: Path) -> None:
    run = a_run(tmp_path, weights())
    record_checkpoints(run)
    newest = max(file.stat().st_mtime for file in (run / "checkpoint-10").iterdir())
    assert measured(run)[0].time == pytest.approx(newest, abs=0.001)


def test_a_checkpoint_without_a_step_has_no_place(tmp_path: Path) -> None:
    run = a_run(tmp_path, weights())
    (run / "checkpoint-10" / "trainer_state.json").write_text(json.dumps({}))
    nameless = (run / "checkpoint-10").rename(run / "best")
    with pytest.raises(UserError, match="step"):
        record_checkpoints(run, [nameless])
    with pytest.raises(UserError):
        record_checkpoints(tmp_path / "none")
