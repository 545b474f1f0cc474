"""The callback by itself, called as a trainer calls it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rldk_tui.events import Checkpoint, Heartbeat, Metrics, RunEnded, RunStarted, System
from tests.integrations.trl.conftest import log_of

pytest.importorskip("transformers")


def callback(**named: Any) -> Any:
    from rldk_tui.integrations.trl import RLDKCallback

    return RLDKCallback(**named)


def trainer_of(run: Path, rank: int = 0, **more: Any) -> tuple[Any, Any]:
    """Arguments and state as the process of this rank sees them."""
    args = SimpleNamespace(output_dir=str(run), to_dict=dict, process_index=rank, world_size=2, run_name=None)
    state = SimpleNamespace(
        global_step=0, max_steps=4, is_world_process_zero=rank == 0, is_local_process_zero=rank == 0, **more
    )
    return args, state


def train(watcher: Any, args: Any, state: Any) -> None:
    watcher.on_train_begin(args, state, None, model=None)
    for state.global_step in range(1, 5):
        watcher.on_step_end(args, state, None, model=None)
        watcher.on_log(args, state, None, logs={"loss": 0.5}, model=None)
    watcher.on_save(args, state, None)
    watcher.on_train_end(args, state, None)


def test_it_is_a_callback_of_transformers() -> None:
    from transformers import TrainerCallback

    assert isinstance(callback(), TrainerCallback)


def test_nothing_is_written_before_the_training_starts(tmp_path: Path) -> None:
    callback(output_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_only_the_first_rank_writes_metrics_and_every_rank_its_own_machine(tmp_path: Path) -> None:
    for rank in (0, 1):
        train(callback(), *trainer_of(tmp_path, rank))
    first, second = log_of(tmp_path, 0), log_of(tmp_path, 1)
    assert [row.step for row in first.of(Metrics)] == [1, 2, 3, 4]
    assert len(first.of(Checkpoint)) == 1
    assert second.of(Metrics) == []
    assert second.of(Checkpoint) == []
    for rank, log in enumerate((first, second)):
        assert [beat.step for beat in log.of(Heartbeat)] == [1, 2, 3, 4]
        assert {sample.rank for sample in log.of(System)} == {rank}
        assert (log.of(RunStarted)[0].rank, log.of(RunStarted)[0].world_size) == (rank, 2)
    assert first.of(RunStarted)[0].run_id == second.of(RunStarted)[0].run_id == tmp_path.name


def test_an_evaluation_before_the_training_heads_the_log_too(tmp_path: Path) -> None:
    watcher, (args, state) = callback(), trainer_of(tmp_path)
    watcher.on_log(args, state, None, logs={"eval_loss": 1.0})
    assert [type(event) for event in log_of(tmp_path).events] == [RunStarted, Metrics]


def test_what_comes_after_the_end_is_still_written(tmp_path: Path) -> None:
    watcher, (args, state) = callback(), trainer_of(tmp_path)
    train(watcher, args, state)
    watcher.on_log(args, state, None, logs={"eval_loss": 1.0})
    kinds = [type(event) for event in log_of(tmp_path).events]
    assert kinds[-2:] == [RunEnded, Metrics]


def test_the_run_goes_by_the_name_it_is_given(tmp_path: Path) -> None:
    named = {"by-user": callback(run_id="by-user"), "by-trainer": callback(), tmp_path.name: callback()}
    for name, watcher in named.items():
        args, state = trainer_of(tmp_path)
        args.run_name = {"by-trainer": "by-trainer", tmp_path.name: args.output_dir}.get(name)
        watcher.on_train_begin(args, state, None)
        watcher.on_train_end(args, state, None)
    assert [event.run_id for event in log_of(tmp_path).of(RunStarted)] == list(named)


def test_another_run_directory_may_be_chosen(tmp_path: Path) -> None:
    train(callback(output_dir=tmp_path / "watched"), *trainer_of(tmp_path / "out"))
    log = log_of(tmp_path / "watched")
    assert log.of(Checkpoint)[0].path == str(tmp_path / "out" / "checkpoint-4")
    assert not (tmp_path / "out" / "rldk").exists()


def test_a_change_of_the_working_directory_does_not_move_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    watcher, (args, state) = callback(), trainer_of(Path("run"))
    watcher.on_train_begin(args, state, None)
    monkeypatch.chdir(tmp_path / "elsewhere")
    log_of(tmp_path / "run").path.unlink()
    watcher.on_step_end(args, state, None)
    assert log_of(tmp_path / "run").of(Heartbeat)


@pytest.mark.parametrize("event", ["on_train_begin", "on_log", "on_step_end", "on_save", "on_train_end"])
@pytest.mark.parametrize("state", [None, SimpleNamespace(), SimpleNamespace(global_step="four", max_steps=None)])
def test_a_trainer_that_hands_over_nonsense_is_survived(tmp_path: Path, event: str, state: Any) -> None:
    args, _ = trainer_of(tmp_path)
    named = {"logs": {"loss": 1.0}} if event == "on_log" else {}
    for arguments in (args, None):
        assert getattr(callback(), event)(arguments, state, None, **named) is None
