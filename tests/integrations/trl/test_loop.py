"""An exception that ends a training is on record, whether it ends the process, a notebook cell, or is caught."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rldk_tui.events import RunEnded, RunState
from rldk_tui.integrations.trl.loop import TrainingLoop, told
from rldk_tui.session import RunSession
from tests.integrations.trl.conftest import log_of

pytest.importorskip("transformers")

SCRIPT = """
from types import SimpleNamespace
from rldk_tui.integrations.trl import RLDKCallback

def train(callback):
    args = SimpleNamespace(output_dir={run!r}, to_dict=dict, process_index=0, run_name=None)
    state = SimpleNamespace(global_step=0, max_steps=9, is_world_process_zero=True, is_local_process_zero=True)
    callback.on_train_begin(args, state, None)
    for state.global_step in range(1, 4):
        callback.on_step_end(args, state, None)
    {ending}

train(RLDKCallback())
"""


def ended(run: Path, ending: str) -> tuple[subprocess.CompletedProcess[str], list[RunEnded]]:
    script = textwrap.dedent(SCRIPT).format(run=str(run), ending=ending)
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)
    return ran, log_of(run).of(RunEnded)


def test_an_exception_that_ends_the_script_is_told_with_its_text_and_still_shown(tmp_path: Path) -> None:
    ran, events = ended(tmp_path, "raise RuntimeError('probability tensor contains\\n either `inf` or `nan`')")
    assert "RuntimeError: probability tensor" in ran.stderr
    assert [(event.step, event.failed) for event in events] == [(3, True)]
    assert events[0].reason == "RuntimeError: probability tensor contains either `inf` or `nan`"
    health = RunSession.open(tmp_path).poll()
    assert health.snapshot.state is RunState.DIED
    died = next(finding for finding in health.findings if finding.rule == "run-died")
    assert "RuntimeError: probability tensor" in died.summary


def test_ctrl_c_is_told(tmp_path: Path) -> None:
    _, events = ended(tmp_path, "raise KeyboardInterrupt")
    assert [event.reason for event in events] == ["interrupted (Ctrl-C)"]


def test_a_killed_process_tells_nothing(tmp_path: Path) -> None:
    _, events = ended(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert events == []


def test_a_training_that_returned_is_not_called_failed_by_what_comes_after(tmp_path: Path) -> None:
    _, events = ended(tmp_path, "callback.on_train_end(args, state, None); raise ValueError('later')")
    assert [event.failed for event in events] == [False]


def _train(callback: Any, run: Path) -> None:
    args = SimpleNamespace(output_dir=str(run), to_dict=dict, process_index=0, run_name=None)
    state = SimpleNamespace(global_step=0, max_steps=9, is_world_process_zero=True, is_local_process_zero=True)
    callback.on_train_begin(args, state, None)
    raise ValueError("of the user")


@pytest.fixture
def caught(tmp_path: Path) -> Iterator[Path]:
    from rldk_tui.integrations.trl import RLDKCallback

    before = sys.excepthook
    callback = RLDKCallback(system_interval=0.05)
    with pytest.raises(ValueError, match="of the user"):
        _train(callback, tmp_path)
    yield tmp_path
    callback._let_go()
    assert sys.excepthook == before


def test_an_exception_that_somebody_caught_ends_the_run_too(caught: Path) -> None:
    deadline = time.monotonic() + 20
    while not log_of(caught).of(RunEnded) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [event.failed for event in log_of(caught).of(RunEnded)] == [True]


def test_a_loop_is_running_until_it_is_left() -> None:
    def loop() -> TrainingLoop:
        found = TrainingLoop()
        assert found.runs()
        return found

    assert not loop().runs()


def test_the_next_call_of_the_same_function_is_another_loop() -> None:
    def loop(before: TrainingLoop | None) -> TrainingLoop:
        assert before is None or not before.runs()
        return TrainingLoop()

    found = None
    for _ in range(5):
        found = loop(found)


def test_a_long_text_is_cut_and_has_one_line() -> None:
    text = told(ValueError("a\nb " * 500))
    assert len(text) == 300
    assert "\n" not in text
