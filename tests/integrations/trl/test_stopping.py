"""A stop request is honoured by a checkpoint and an end in good order, by all processes at the same step."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rldk_tui.events import Algorithm, Checkpoint, ExtractionError, RunEnded
from rldk_tui.events.stop_request import request_stop, stop_request_path
from rldk_tui.integrations.trl import stopping
from sample_runs.tiny_models import Models
from sample_runs.trainings import common_arguments
from tests.integrations.trl.conftest import log_of
from tests.integrations.trl.test_live import callback
from tests.integrations.trl.trainers import TRAINERS, grpo

pytestmark = pytest.mark.train
pytest.importorskip("trl")

STEPS = 8


def at_step(step: int, act: Any) -> Any:
    from transformers import TrainerCallback

    class Act(TrainerCallback):  # type: ignore[misc] # transformers is not followed by the type checker
        def on_log(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
            if state.global_step == step:
                act()

    return Act()


@pytest.fixture(autouse=True)
def _look_at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "_LOOK_EVERY", 0.0)


def arguments(run: Path) -> dict[str, Any]:
    return {**common_arguments(str(run), STEPS), "save_steps": 100}


def test_a_request_saves_a_checkpoint_ends_the_run_and_is_gone(models: Models, tmp_path: Path) -> None:
    ask = at_step(3, lambda: request_stop(tmp_path, "the node is needed", by="ann"))
    trainer = grpo(models, arguments(tmp_path), [callback(), ask])
    assert trainer.state.global_step == 4
    log = log_of(tmp_path)
    saved = log.of(Checkpoint)[0]
    assert (saved.step, saved.complete) == (4, True)
    assert [(end.step, end.reason) for end in log.of(RunEnded)] == [(4, "stopped on request of ann: the node is needed")]
    assert not stop_request_path(tmp_path).exists()


def test_a_request_that_was_meant_for_an_earlier_launch_stops_nothing(models: Models, tmp_path: Path) -> None:
    (tmp_path / "rldk").mkdir()
    request_stop(tmp_path)
    assert grpo(models, arguments(tmp_path), [callback()]).state.global_step == STEPS
    assert not stop_request_path(tmp_path).exists()
    assert [end.reason for end in log_of(tmp_path).of(RunEnded)] == ["finished"]


def test_what_is_no_request_is_told_once_and_stops_nothing(models: Models, tmp_path: Path) -> None:
    spoil = at_step(2, lambda: stop_request_path(tmp_path).write_text('{"time": "soon"}'))
    assert grpo(models, arguments(tmp_path), [callback(), spoil]).state.global_step == STEPS
    told = [error.message for error in log_of(tmp_path).of(ExtractionError) if "stop request" in error.message]
    assert len(told) == 1


def test_ppo_saves_and_goes_on_and_says_so(models: Models, tmp_path: Path) -> None:
    pytest.importorskip("trl.experimental.ppo")
    ask = at_step(2, lambda: request_stop(tmp_path, by="ann"))
    TRAINERS[Algorithm.PPO](models, arguments(tmp_path), [ask, callback()])
    log = log_of(tmp_path)
    assert log.of(Checkpoint)[0].step == 2
    assert [end.reason for end in log.of(RunEnded)] == ["finished"]
    assert any("ignores a callback that asks it to stop" in error.message for error in log.of(ExtractionError))


_TRAINING = """
import sys
from pathlib import Path
from sample_runs.tiny_models import Models
from sample_runs.trainings import common_arguments, train_grpo
from rldk_tui.events.stop_request import request_stop
from rldk_tui.integrations.trl import RLDKCallback, stopping
from tests.integrations.trl.test_stopping import at_step

stopping._LOOK_EVERY = 0.0
run, language, reward = map(Path, sys.argv[1:])
small = {"per_device_train_batch_size": 8, "num_generations": 4, "max_completion_length": 8, "log_completions": False}
ask = at_step(3, lambda: (run / "rldk" / "events-rank00000.jsonl").exists() and request_stop(run, by="ann"))
callback = RLDKCallback(checkpoint_analysis=False)
trainer = train_grpo(Models(language, reward), common_arguments(str(run), 12) | small | {"save_steps": 100}, [callback, ask])
print("stopped at", trainer.state.global_step)
"""


def test_two_processes_stop_at_the_same_step(models: Models, tmp_path: Path) -> None:
    script, root = tmp_path / "train.py", Path(__file__).resolve().parents[3]
    script.write_text(_TRAINING)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    launch = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"]
    options = ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", str(port)]
    ran = subprocess.run(
        [sys.executable, *launch, *options, str(script), str(tmp_path / "run"), str(models.language), str(models.reward)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    ends = [log_of(tmp_path / "run", rank).of(RunEnded)[0] for rank in (0, 1)]
    assert ends[0].step == ends[1].step
    assert 4 <= (ends[0].step or 0) < 12
    assert ends[0].reason == "stopped on request of ann"
    assert log_of(tmp_path / "run").of(Checkpoint)[0].step == ends[0].step
