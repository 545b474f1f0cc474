"""The callback by itself, called as a trainer calls it."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rldk_tui.events import Checkpoint, Heartbeat, Metrics, Phase, RunEnded, RunStarted, System
from tests.integrations.trl.conftest import log_of

pytest.importorskip("transformers")


def callback(**named: Any) -> Any:
    from rldk_tui.integrations.trl import RLDKCallback

    return RLDKCallback(**named)


def pickled(one: Any) -> Any:
    return pickle.loads(pickle.dumps(one))  # noqa: S301 - our own


class Trainer:
    """As much of a trainer as can be attached."""

    def __init__(self) -> None:
        self.trained = 0
        self.callbacks: list[Any] = []

    def train(self) -> None:
        self.trained += 1

    def add_callback(self, added: Any) -> None:
        self.callbacks.append(added)


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


def test_an_evaluation_before_the_training_is_written_when_it_begins(tmp_path: Path) -> None:
    watcher, (args, state) = callback(), trainer_of(tmp_path)
    watcher.on_log(args, state, None, logs={"eval_loss": 1.0})
    assert not (tmp_path / "rldk").exists()
    train(watcher, args, state)
    log = log_of(tmp_path)
    assert isinstance(log.events[0], RunStarted)
    assert [(row.step, row.phase) for row in log.of(Metrics)][:2] == [(0, Phase.EVAL), (1, Phase.TRAIN)]


def test_an_evaluation_without_a_training_leaves_the_run_as_it_was(tmp_path: Path) -> None:
    train(callback(), *trainer_of(tmp_path))
    before = log_of(tmp_path).path.read_bytes()
    args, state = trainer_of(tmp_path)
    callback().on_log(args, state, None, logs={"eval_loss": 1.0})
    assert log_of(tmp_path).path.read_bytes() == before


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
def test_a_copy_made_in_the_middle_of_a_training_has_nothing_of_it(tmp_path: Path, copied: Callable[[Any], Any]) -> None:
    from rldk_tui.integrations.trl import PPOMonitoringCallback

    for kind in (callback, PPOMonitoringCallback):
        watcher = kind(run_id="ours", metrics_history=3)
        args, state = trainer_of(tmp_path / kind.__name__)
        watcher.on_train_begin(args, state, None, model=None)
        watcher.on_log(args, state, None, logs={"loss": 0.5}, model=None)
        other = copied(watcher)
        assert (watcher.recording, other.recording, len(other.metrics_history)) == (True, False, 0)
        train(other, *trainer_of(tmp_path / "other"))
        assert log_of(tmp_path / "other").of(RunStarted)[-1].run_id == "ours"
        watcher.on_train_end(args, state, None)


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
def test_a_copy_of_an_attached_trainer_trains_itself(copied: Callable[[Any], Any]) -> None:
    trainer = Trainer()
    watcher = callback(trainer=trainer)
    watcher.attach(trainer)
    other = copied(trainer)
    other.train()
    assert (trainer.trained, other.trained) == (0, 1)
    trainer.train()
    assert (trainer.trained, other.trained) == (1, 1)


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
