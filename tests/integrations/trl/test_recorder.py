"""The recorder's log is headed by `run_started`, misses nothing it could write, and says what it missed."""

from __future__ import annotations

import logging
import shutil
import threading
from pathlib import Path

import pytest

from rldk_tui.events import (
    SCHEMA_VERSION,
    Checkpoint,
    ExtractionError,
    Heartbeat,
    Measured,
    Metrics,
    Phase,
    RunEnded,
    RunStarted,
)
from rldk_tui.integrations.trl.border import Border
from rldk_tui.integrations.trl.recorder import Recorder
from tests.integrations.trl.conftest import EventLog, log_of

STARTED = RunStarted(time=1.0, schema_version=SCHEMA_VERSION, run_id="r")


def recorder(run: Path, rank: int = 0) -> Recorder:
    made: list[Recorder] = []
    border = Border(lambda message: made[0].failure(message))
    made.append(Recorder(run, rank, border))
    return made[0]


def begun(run: Path) -> Recorder:
    made = recorder(run)
    made.start(STARTED)
    return made


def kinds(log: EventLog) -> list[str]:
    return [type(event).__name__ for event in log.events]


def test_the_log_starts_with_run_started(tmp_path: Path) -> None:
    begun(tmp_path).sample(with_gpus=False)
    assert kinds(log_of(tmp_path)) == ["RunStarted", "System"]


def test_what_was_measured_in_a_step_is_written_with_its_end_and_only_once(tmp_path: Path) -> None:
    made = begun(tmp_path)
    made.measure({"hook/nonfinite_gradients": 2.0}, {"hook/nonfinite_gradients": ("a.weight", "b.weight")})
    made.measure({"hook/update_ratio": 1e-3})
    made.heartbeat(4)
    made.heartbeat(5)
    made.measure({"hook/update_ratio": 2e-3})
    made.flush(6)
    log = log_of(tmp_path)
    assert [(row.step, row.values) for row in log.of(Measured)] == [
        (4, {"hook/nonfinite_gradients": 2.0, "hook/update_ratio": 1e-3}),
        (6, {"hook/update_ratio": 2e-3}),
    ]
    assert log.of(Measured)[0].named == {"hook/nonfinite_gradients": ("a.weight", "b.weight")}


def test_threads_write_whole_lines_and_lose_none(tmp_path: Path) -> None:
    made = begun(tmp_path)

    def beat() -> None:
        for step in range(200):
            made.heartbeat(step)

    threads = [threading.Thread(target=beat) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(event.step for event in log_of(tmp_path).of(Heartbeat)) == sorted(list(range(200)) * 4)


def test_failures_of_the_beginning_wait_for_run_started(tmp_path: Path) -> None:
    made = recorder(tmp_path)
    made.failure("could not read the versions")
    assert not log_of(tmp_path).path.exists()
    made.start(STARTED)
    assert kinds(log_of(tmp_path))[:2] == ["RunStarted", "ExtractionError"]


def test_each_rank_has_its_own_log(tmp_path: Path) -> None:
    made = recorder(tmp_path, rank=3)
    made.start(STARTED)
    assert kinds(log_of(tmp_path, rank=3))[0] == "RunStarted"


def test_a_value_that_is_no_number_is_told_once_a_metric_and_phase(tmp_path: Path) -> None:
    made = begun(tmp_path)
    for step in (1, 2, 3):
        made.metrics(step, {"loss": 0.5, "histogram": [1, 2]})
    made.metrics(3, {"eval_loss": 0.5, "eval_histogram": [1, 2]})
    log = log_of(tmp_path)
    told = log.of(ExtractionError)
    assert [(item.step, item.phase, item.metric) for item in told] == [
        (1, Phase.TRAIN, "histogram"),
        (3, Phase.EVAL, "histogram"),
    ]
    assert told[0].value == "[1, 2]"
    assert told[0].advice
    assert len(log.of(Metrics)) == 4


def test_none_and_nan_reach_the_log_as_they_are(tmp_path: Path) -> None:
    begun(tmp_path).metrics(1, {"reward": None, "loss": float("nan")})
    row = log_of(tmp_path).of(Metrics)[0]
    assert row.values["reward"] is None
    assert row.values["loss"] != row.values["loss"]


def test_a_name_that_no_file_can_hold_loses_neither_its_row_nor_the_step_before_it(tmp_path: Path) -> None:
    made = begun(tmp_path)
    made.heartbeat(1, log_follows=True)
    made.metrics(1, {"loss": 0.5, "\ud800": 1.0})
    made.heartbeat(2, log_follows=True)
    made.write(ExtractionError(time=1.0, message="\ud800"))
    log = log_of(tmp_path)
    assert log.of(Metrics)[0].values == {"loss": 0.5, "?": 1.0}
    assert [beat.step for beat in log.of(Heartbeat)] == [1, 2]
    assert "1 events could not be written" in log.of(ExtractionError)[0].message


def test_events_that_were_lost_are_counted_and_said_when_writing_works_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = begun(tmp_path)
    log = log_of(tmp_path).path
    kept = log.read_bytes()
    made.close()
    log.unlink()
    log.symlink_to("/dev/full")
    with caplog.at_level(logging.WARNING):
        for step in range(5):
            made.heartbeat(step)
    assert caplog.text.count("No space left") == 1
    log.unlink()
    log.write_bytes(kept)
    made.heartbeat(9)
    found = log_of(tmp_path)
    assert [event.step for event in found.of(Heartbeat)] == [9]
    assert "6 events could not be written" in found.of(ExtractionError)[-1].message  # 5, and the one that told of them
    made.heartbeat(10)
    assert len(found.of(ExtractionError)) == 1


def test_a_log_that_could_not_be_headed_is_headed_as_soon_as_it_can(tmp_path: Path) -> None:
    (tmp_path / "rldk").write_text("in the way")
    made = begun(tmp_path)
    made.heartbeat(1)
    (tmp_path / "rldk").unlink()
    made.heartbeat(2)
    assert kinds(log_of(tmp_path))[0] == "RunStarted"
    assert [event.step for event in log_of(tmp_path).of(Heartbeat)] == [2]


def test_a_log_whose_folder_was_deleted_goes_on(tmp_path: Path) -> None:
    made = begun(tmp_path)
    shutil.rmtree(tmp_path / "rldk")
    made.heartbeat(2)
    assert [event.step for event in log_of(tmp_path).of(Heartbeat)] == [2]


def test_a_checkpoint_inside_the_run_is_told_by_its_relative_path(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint-5"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "weights").write_bytes(b"12345")
    made = begun(tmp_path)
    made.checkpoint(5, folder)
    (folder / "trainer_state.json").write_text("{}")
    made.checkpoint(5, folder)
    made.checkpoint(6, tmp_path.parent / "elsewhere" / "checkpoint-6")
    first, second, third = log_of(tmp_path).of(Checkpoint)
    assert (first.path, first.complete, first.size) == ("checkpoint-5", False, 5)
    assert (second.complete, second.size) == (True, 7)
    assert Path(third.path).is_absolute()
    assert (third.complete, third.size) == (False, None)


@pytest.mark.parametrize(("step", "max_steps", "reason"), [(10, 10, "finished"), (4, 10, "stopped early"), (4, 0, "finished")])
def test_the_end_says_whether_the_planned_steps_were_done(tmp_path: Path, step: int, max_steps: int, reason: str) -> None:
    begun(tmp_path).end(step, max_steps)
    assert log_of(tmp_path).of(RunEnded)[0].reason == reason
