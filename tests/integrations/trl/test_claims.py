"""Two callbacks, and directories that hold another run: nothing is written twice, and what is odd is told."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rldk_tui.events import Heartbeat, RunStarted
from tests.integrations.trl.conftest import log_of

pytest.importorskip("transformers")


def callback(**named: Any) -> Any:
    from rldk_tui.integrations.trl import RLDKCallback

    return RLDKCallback(**named)


def train(run: Path, callbacks: list[Any], first: int = 0, steps: int = 3) -> None:
    args = SimpleNamespace(output_dir=str(run), to_dict=dict, process_index=0, run_name=None)
    state = SimpleNamespace(global_step=first, max_steps=first + steps, is_world_process_zero=True, is_local_process_zero=True)
    for one in callbacks:
        one.on_train_begin(args, state, None)
    for state.global_step in range(first + 1, first + steps + 1):
        for one in callbacks:
            one.on_step_end(args, state, None)
    for one in callbacks:
        one.on_train_end(args, state, None)


def told(run: Path) -> list[str]:
    return [event.message for event in log_of(run).faults]


def test_the_second_of_two_callbacks_records_nothing_and_this_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        train(tmp_path, [callback(), callback()])
    log = log_of(tmp_path)
    assert len(log.of(RunStarted)) == 1
    assert [beat.step for beat in log.of(Heartbeat)] == [1, 2, 3]
    assert ["second RLDKCallback" in message for message in told(tmp_path)] == [True]
    assert "second RLDKCallback" in caplog.text


def test_two_callbacks_for_two_directories_both_record(tmp_path: Path) -> None:
    train(tmp_path / "out", [callback(), callback(output_dir=tmp_path / "other")])
    assert len(log_of(tmp_path / "out").of(Heartbeat)) == len(log_of(tmp_path / "other").of(Heartbeat)) == 3


def test_a_training_that_was_left_by_an_exception_gives_its_directory_back(tmp_path: Path) -> None:
    class Failing(logging.Handler):
        def on_train_begin(self, *_: Any) -> None:
            raise ValueError("of the user")

    first = callback()
    with pytest.raises(ValueError, match="of the user"):
        train(tmp_path, [first, Failing()])
    train(tmp_path, [callback()])
    assert len(log_of(tmp_path).of(RunStarted)) == 2
    assert first.recording is False


def test_a_directory_with_another_run_is_told_and_both_are_kept(tmp_path: Path) -> None:
    train(tmp_path, [callback(run_id="earlier")])
    train(tmp_path, [callback()])
    assert ["3 steps of an earlier run 'earlier'" in message for message in told(tmp_path)] == [True]
    assert len(log_of(tmp_path).of(Heartbeat)) == 6


def test_a_resumed_training_and_a_log_without_a_step_are_nothing_odd(tmp_path: Path) -> None:
    train(tmp_path, [callback()], steps=0)
    train(tmp_path, [callback()])
    train(tmp_path, [callback()], first=3)
    assert told(tmp_path) == []


@pytest.mark.parametrize("monitor_first", [True, False])
def test_a_monitor_leaves_the_recording_to_the_callback_that_is_there_for_it(tmp_path: Path, monitor_first: bool) -> None:
    from rldk_tui.integrations.trl import PPOMonitoringCallback

    recorder, monitor = callback(), PPOMonitoringCallback()
    seen: list[bool] = []

    class Look:
        def on_train_begin(self, *_: Any) -> None:
            seen.extend([recorder.recording, monitor.recording])

        def on_step_end(self, *_: Any) -> None: ...

        def on_train_end(self, *_: Any) -> None: ...

    train(tmp_path, [*([monitor, recorder] if monitor_first else [recorder, monitor]), Look()])
    assert seen == [True, False]
    assert [beat.step for beat in log_of(tmp_path).of(Heartbeat)] == [1, 2, 3]
    assert told(tmp_path) == []
