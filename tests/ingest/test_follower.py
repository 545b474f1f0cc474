"""A run directory is followed through everything that happens to it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from rldk_tui.events import Checkpoint, Completions, Heartbeat, Metrics, RunStarted, encode_line
from rldk_tui.ingest import Batch, Follower
from tests.conftest import SAMPLE_RUNS

START = RunStarted(time=1.0, schema_version=1, run_id="x", host="h", pid=7)


def a_log(run: Path, *events: bytes) -> Path:
    log = run / "rldk" / "events-rank00000.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as opened:
        opened.write(b"".join(events))
    return log


def beat(step: int) -> bytes:
    return encode_line(Heartbeat(time=float(step), step=step))


def steps(batch: Batch) -> list[int]:
    return [event.step for event, _ in batch.events if isinstance(event, Heartbeat)]


def test_a_stock_trl_directory_needs_no_callback() -> None:
    batch = Follower(SAMPLE_RUNS / "grpo-stock").poll()
    kinds = {type(event) for event, _ in batch.events}
    assert {Metrics, Completions, Checkpoint} <= kinds
    assert {origin.format for event, origin in batch.events if isinstance(event, Metrics)} == {
        "TensorBoard events",
        "trainer state",
    }
    assert batch.problems == ()


def test_an_idle_poll_brings_nothing() -> None:
    follower = Follower(SAMPLE_RUNS / "grpo-stock")
    follower.poll()
    assert follower.poll().events == []
    assert follower.poll().events == []


def test_growth_is_brought_once(tmp_path: Path) -> None:
    a_log(tmp_path, encode_line(START), beat(1))
    follower = Follower(tmp_path)
    assert steps(follower.poll()) == [1]
    a_log(tmp_path, beat(2), beat(3)[:10])
    batch = follower.poll()
    assert steps(batch) == [2]
    assert "not whole" in batch.problems[0].message
    a_log(tmp_path, beat(3)[10:])
    batch = follower.poll()
    assert steps(batch) == [3]
    assert batch.problems == ()


def test_files_that_appear_later_are_found(tmp_path: Path) -> None:
    follower = Follower(tmp_path)
    assert follower.poll().events == []
    a_log(tmp_path, encode_line(START), beat(1))
    assert steps(follower.poll()) == [1]
    shutil.copytree(SAMPLE_RUNS / "grpo-healthy" / "completions", tmp_path / "completions")
    assert any(isinstance(event, Completions) for event, _ in follower.poll().events)


def test_a_truncated_log_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = a_log(tmp_path, encode_line(START), beat(1), beat(2))
    follower = Follower(tmp_path)
    follower.poll()
    log.write_bytes(encode_line(START) + beat(9))
    batch = follower.poll()
    assert batch.restarted
    assert steps(batch) == [9]


def test_a_rotated_log_loses_nothing(tmp_path: Path) -> None:
    log = a_log(tmp_path, encode_line(START), beat(1))
    follower = Follower(tmp_path)
    follower.poll()
    log.rename(log.with_name(log.name + ".1"))
    a_log(tmp_path, encode_line(START), beat(2))
    batch = follower.poll()
    assert set(steps(batch)) | {1} == {1, 2}
    assert 2 in steps(batch)


def test_a_link_that_points_elsewhere_now_is_followed(tmp_path: Path) -> None:
    for name, step in (("a", 1), ("b", 2)):
        a_log(tmp_path / name, encode_line(START), beat(step))
    link = tmp_path / "latest"
    link.symlink_to(tmp_path / "a")
    follower = Follower(link)
    assert steps(follower.poll()) == [1]
    link.unlink()
    link.symlink_to(tmp_path / "b")
    batch = follower.poll()
    assert batch.restarted
    assert steps(batch) == [2]


def test_a_vanished_directory_is_said_and_forgets_nothing(tmp_path: Path) -> None:
    run = tmp_path / "run"
    a_log(run, encode_line(START), beat(1))
    follower = Follower(run)
    follower.poll()
    shutil.rmtree(run)
    batch = follower.poll()
    assert batch.vanished
    assert not batch.restarted
    assert "gone" in batch.problems[-1].message


def test_a_half_written_parquet_is_read_when_it_is_whole(tmp_path: Path) -> None:
    source = min((SAMPLE_RUNS / "grpo-healthy" / "completions").iterdir())
    target = tmp_path / "completions" / source.name
    target.parent.mkdir()
    target.write_bytes(source.read_bytes()[:-50])
    follower = Follower(tmp_path)
    assert "not whole yet" in follower.poll().problems[0].message
    target.write_bytes(source.read_bytes())
    batch = follower.poll()
    assert batch.problems == ()
    assert any(isinstance(event, Completions) for event, _ in batch.events)


def test_pipes_links_in_circles_and_our_own_output_are_left_alone(tmp_path: Path) -> None:
    a_log(tmp_path, encode_line(START), beat(1))
    os.mkfifo(tmp_path / "events.jsonl")
    (tmp_path / "circle").symlink_to(tmp_path, target_is_directory=True)
    own = tmp_path / "rldk" / "report" / "events-rank00000.jsonl"
    own.parent.mkdir()
    own.write_bytes(encode_line(START) + beat(99))
    assert steps(Follower(tmp_path).poll()) == [1]


def test_of_nested_checkpoints_one_history_is_read(tmp_path: Path) -> None:
    state = SAMPLE_RUNS / "grpo-healthy" / "trainer_state.json"
    for step in (60, 100, 120):
        (tmp_path / f"checkpoint-{step}").mkdir()
        shutil.copy(state, tmp_path / f"checkpoint-{step}" / "trainer_state.json")
    batch = Follower(tmp_path).poll()
    assert {origin.source for event, origin in batch.events if isinstance(event, Metrics)} == {
        "checkpoint-120/trainer_state.json"
    }
    assert sorted(event.step for event, _ in batch.events if isinstance(event, Checkpoint)) == [60, 100, 120]


def test_logs_behind_a_link_to_another_disk_are_followed(tmp_path: Path) -> None:
    scratch, run = tmp_path / "scratch", tmp_path / "run"
    run.mkdir()
    shutil.copytree(SAMPLE_RUNS / "grpo-stock" / "runs", scratch)
    (run / "runs").symlink_to(scratch)
    assert any(isinstance(event, Metrics) for event, _ in Follower(run).poll().events)


def test_a_last_line_that_only_looks_whole_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    a_log(tmp_path, encode_line(START), b'{"type":"heartbeat","x":"\xff\xfe"}')
    batch = Follower(tmp_path).poll()
    assert [type(event) for event, _ in batch.events] == [RunStarted]
    assert "not whole" in batch.problems[0].message


def test_a_directory_that_vanished_and_came_back_is_another_run(tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(SAMPLE_RUNS / "grpo-stock", run)
    follower = Follower(run)
    follower.poll()
    shutil.rmtree(run)
    follower.poll()
    a_log(run, encode_line(START), beat(7))
    batch = follower.poll()
    assert batch.restarted
    assert steps(batch) == [7]
    assert batch.problems == ()


def test_a_checkpoint_that_was_rotated_away_leaves_no_problem(tmp_path: Path) -> None:
    a_log(tmp_path, encode_line(START), beat(1))
    (tmp_path / "checkpoint-5").mkdir()
    follower = Follower(tmp_path)
    follower.poll()
    (tmp_path / "checkpoint-5").rmdir()
    assert follower.poll().problems == ()


def test_a_log_that_begins_in_the_middle_after_a_rotation_is_read(tmp_path: Path) -> None:
    a_log(tmp_path, beat(5), beat(6))
    assert steps(Follower(tmp_path).poll()) == [5, 6]


def test_a_folder_is_known_by_its_own_name_and_not_by_a_link_to_it(tmp_path: Path) -> None:
    a_log(tmp_path / "wandb" / "run-1", encode_line(START), beat(1))
    (tmp_path / "wandb" / "latest-run").symlink_to(tmp_path / "wandb" / "run-1")
    follower = Follower(tmp_path)
    assert steps(follower.poll()) == [1]
    assert [origin.source for origin in follower.sources()] == ["wandb/run-1/rldk/events-rank00000.jsonl"]
    a_log(tmp_path / "wandb" / "run-2", encode_line(START), beat(2))
    (tmp_path / "wandb" / "latest-run").unlink()
    (tmp_path / "wandb" / "latest-run").symlink_to(tmp_path / "wandb" / "run-2")
    assert steps(follower.poll()) == [2]


def test_a_console_marks_that_its_steps_are_a_guess(tmp_path: Path) -> None:
    (tmp_path / "console.log").write_text("{'loss': 0.5, 'grad_norm': 1.0, 'learning_rate': 1e-05, 'epoch': 0.1}\n" * 3)
    (problem,) = Follower(tmp_path).poll().problems
    assert problem.steps_untold
