"""Live diagnosis beside a training: what it finds comes back, and whatever happens to it, the training goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from rldk_tui.errors import UserError
from rldk_tui.events import Algorithm, ExtractionError, Finding, FindingChange, FindingReported, RunEnded, RunState, Severity
from rldk_tui.session import RunSession
from sample_runs.faulty_trainings import train_sft_into_nan
from sample_runs.tiny_models import Models
from sample_runs.trainings import common_arguments
from tests.integrations.trl.conftest import log_of
from tests.integrations.trl.test_checkpoint_queue import within
from tests.integrations.trl.trainers import TRAINERS, grpo

pytest.importorskip("trl")

STEPS = 1200


def callback(**named: Any) -> Any:
    from rldk_tui.integrations.trl import RLDKCallback

    return RLDKCallback(**{"checkpoint_analysis": False, **named})


def watchers(pid: int | None = None) -> list[psutil.Process]:
    """The live diagnoses that a process has started and that still run."""
    found = []
    for child in psutil.Process(pid).children():
        try:
            if "watch" in child.cmdline() and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
        except psutil.Error:
            continue
    return found


@pytest.mark.train
def test_a_fault_that_turns_critical_is_heard_of_and_stops_the_training(models: Models, tmp_path: Path) -> None:
    heard: list[tuple[Finding, FindingChange]] = []
    threads = set()

    def on_finding(finding: Finding, change: FindingChange) -> None:
        heard.append((finding, change))
        threads.add(threading.get_ident())

    watched = callback(on_finding=on_finding, stop_on="critical")
    trainer = train_sft_into_nan(models, {**common_arguments(str(tmp_path), STEPS), "save_steps": STEPS}, [watched])
    stopped = trainer.state.global_step
    assert STEPS // 2 < stopped < STEPS
    assert (tmp_path / f"checkpoint-{stopped}" / "trainer_state.json").is_file(), "saved, then stopped"
    first = heard[0][0]
    assert any(finding.severity is Severity.CRITICAL and change is FindingChange.OPENED for finding, change in heard)
    assert threads == {threading.get_ident()}
    log = log_of(tmp_path)
    assert [(event.finding.id, event.change) for event in log.of(FindingReported)] == [
        (finding.id, change) for finding, change in heard
    ]
    ending = log.of(RunEnded)[0].reason
    assert ending.startswith("stopped on the critical finding ")
    snapshot = RunSession.open(tmp_path).poll().snapshot
    assert snapshot.state is RunState.FINISHED
    assert first.id in {finding.id for finding in snapshot.recorded_findings}
    assert watchers() == []


@pytest.mark.train
def test_on_finding_that_raises_is_told_and_changes_no_bit_of_the_training(models: Models, tmp_path: Path) -> None:
    def on_finding(_finding: Finding, _change: FindingChange) -> None:
        raise ZeroDivisionError("the user's")

    small = {"save_strategy": "no"}
    without = grpo(models, {**common_arguments(str(tmp_path / "a"), 6), **small}, [])
    watched = grpo(models, {**common_arguments(str(tmp_path / "b"), 6), **small}, [callback(on_finding=on_finding)])
    losses = [[entry["loss"] for entry in one.state.log_history if "loss" in entry] for one in (without, watched)]
    assert losses[0] == losses[1]
    log = log_of(tmp_path / "b")
    assert log.of(FindingReported), "the last findings are delivered, however short the training was"
    told = [error.message for error in log.of(ExtractionError) if "on_finding" in error.message]
    assert told == ["could not call on_finding: ZeroDivisionError: the user's"]


@pytest.mark.train
def test_ppo_that_cannot_be_stopped_is_told_at_the_beginning(models: Models, tmp_path: Path) -> None:
    if Algorithm.PPO not in TRAINERS:
        pytest.skip("this trl has no PPO")
    pytest.importorskip("trl.experimental.ppo")
    TRAINERS[Algorithm.PPO](models, common_arguments(str(tmp_path), 2), [callback(stop_on="critical")])
    log = log_of(tmp_path)
    assert [error.message for error in log.of(ExtractionError) if "stop_on" in error.message] == [
        "stop_on will save a checkpoint and not stop the training: PPO's trainer ignores a callback that asks it to stop"
    ]
    assert [event.reason for event in log.of(RunEnded)] == ["finished"]


def test_a_severity_that_is_none_is_told_at_once() -> None:
    with pytest.raises(UserError, match="terrible"):
        callback(stop_on="terrible")


def begun(run: Path) -> Any:
    """A callback whose training has begun, and the arguments for more events."""
    args = SimpleNamespace(output_dir=str(run), to_dict=dict, process_index=0, run_name=None, world_size=1)
    state = SimpleNamespace(
        global_step=0, max_steps=10_000, is_world_process_zero=True, is_local_process_zero=True, log_history=[]
    )
    live = callback(on_finding=lambda *_: None)
    live.on_train_begin(args, state, None)
    return live, args, state


def test_a_diagnosis_that_dies_is_told_once_and_the_training_goes_on(tmp_path: Path) -> None:
    live, args, state = begun(tmp_path)
    (child,) = watchers()
    child.kill()
    log = log_of(tmp_path)
    within(20, lambda: any("live diagnosis ended" in error.message for error in log.of(ExtractionError)))
    control = SimpleNamespace(should_save=False, should_training_stop=False)
    for state.global_step in range(1, 50):
        live.on_step_end(args, state, control)
    live.on_train_end(args, state, control)
    assert len([error for error in log.of(ExtractionError) if "live diagnosis" in error.message]) == 1
    assert (control.should_save, control.should_training_stop) == (False, False)


def test_it_sees_no_gpu_and_takes_one_thread_at_low_priority(tmp_path: Path) -> None:
    live, args, state = begun(tmp_path)
    (child,) = watchers()
    environment = child.environ()
    assert (environment["CUDA_VISIBLE_DEVICES"], environment["OMP_NUM_THREADS"]) == ("", "1")
    within(20, lambda: child.nice() == 10)
    live.on_train_end(args, state, None)
    assert watchers() == []


_TRAINING = """
import os, sys, time
from pathlib import Path
from tests.integrations.trl.test_live import begun, watchers
live, args, state = begun(Path(sys.argv[1]))
worker = os.fork()  # as a data loader's worker, it holds the pipes open
if worker:
    print(watchers(os.getpid())[0].pid, worker, flush=True)
time.sleep(1000)
"""


_SCRIPT = """
import sys, time
from pathlib import Path
from tests.integrations.trl.test_live import begun
live, args, state = begun(Path(sys.argv[1]))
time.sleep(2)
sys.exit(3)
"""


def test_a_script_that_ends_in_the_middle_ends_as_it_would_without_us(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[3]
    ran = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(tmp_path)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 3
    assert "Fatal" not in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("after", [0.0, 4.0], ids=["while it starts", "while it watches"])
def test_it_ends_with_a_training_that_is_killed(tmp_path: Path, after: float) -> None:
    root = Path(__file__).resolve().parents[3]
    training = subprocess.Popen(
        [sys.executable, "-c", _TRAINING, str(tmp_path)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert training.stdout is not None
    child, worker = map(int, training.stdout.readline().split())
    time.sleep(after)
    assert psutil.pid_exists(child)
    training.kill()
    training.wait()
    within(20, lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)
    os.kill(worker, signal.SIGKILL)
