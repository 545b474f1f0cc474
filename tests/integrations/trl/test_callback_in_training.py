"""Real trainings of every trainer with the callback: the log says what the trainer said, step for step."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from rldk_tui.events import (
    Algorithm,
    Checkpoint,
    Heartbeat,
    Metrics,
    Phase,
    RunEnded,
    RunStarted,
    System,
    strict,
)
from rldk_tui.integrations.trl.values import numbers, phase_of
from sample_runs.tiny_language import preferences
from sample_runs.tiny_models import Models
from sample_runs.trainings import common_arguments, train_grpo
from tests.integrations.trl.conftest import EventLog, log_of
from tests.integrations.trl.test_generations import attached
from tests.integrations.trl.trainers import TRAINERS, grpo

pytestmark = pytest.mark.train
pytest.importorskip("trl")

STEPS = 6
SMALL = {"per_device_train_batch_size": 8, "num_generations": 4, "max_completion_length": 8, "log_completions": False}


def _arguments(run: Path, **more: Any) -> dict[str, Any]:
    return {**common_arguments(str(run), STEPS), "save_steps": 3, **more}


def _callback(**named: Any) -> Any:
    from rldk_tui.integrations.trl import RLDKCallback

    return RLDKCallback(**named)


def _rows(log: EventLog) -> list[tuple[int, Phase, Any]]:
    return [(row.step, row.phase, strict(row.values)) for row in log.of(Metrics)]


def _history(trainer: Any) -> list[tuple[int, Phase, Any]]:
    """What the trainer itself remembers of its logs."""
    rows = []
    for entry in trainer.state.log_history:
        logs = {key: value for key, value in entry.items() if key != "step"}
        phase = phase_of(logs)
        rows.append((entry["step"], phase, strict(numbers(logs, phase)[0])))
    return rows


@pytest.mark.parametrize("algorithm", TRAINERS, ids=str)
def test_the_log_of_a_training_holds_everything_the_trainer_logged(
    algorithm: Algorithm, models: Models, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    trainer = TRAINERS[algorithm](models, _arguments(run), [_callback()])
    log = log_of(run)
    started = log.events[0]
    assert isinstance(started, RunStarted)
    assert (started.algorithm, started.first_step, started.max_steps) == (algorithm, 0, STEPS)
    assert started.run_id == "run"
    assert started.config["learning_rate"] == trainer.args.learning_rate
    assert started.versions["trl"]
    assert log.faults == []
    assert _rows(log) == _history(trainer)
    assert [beat.step for beat in log.of(Heartbeat)] == list(range(1, STEPS + 1))
    assert [(saved.step, saved.path, saved.complete) for saved in log.of(Checkpoint)][:2] == [
        (3, "checkpoint-3", True),
        (6, "checkpoint-6", True),
    ]
    assert all((saved.size or 0) > 10_000 for saved in log.of(Checkpoint))
    assert [(end.step, end.reason) for end in log.of(RunEnded)] == [(STEPS, "finished")]
    assert log.of(System)
    phases = {phase for _, phase, _ in _rows(log)}
    assert (Phase.EVAL in phases) == (algorithm in {Algorithm.DPO, Algorithm.REWARD, Algorithm.SFT})


def test_a_reward_that_could_not_be_given_is_null_in_the_log_and_not_nan(models: Models, tmp_path: Path) -> None:
    def quality(prompts: list[str], trainer_state: Any, **_: Any) -> list[float | None]:
        return [None if trainer_state.global_step >= 3 else 0.1 * index for index, _ in enumerate(prompts)]

    train_grpo(models, _arguments(tmp_path) | SMALL, [_callback()], quality)
    log = log_of(tmp_path)
    rewards = {row.step: row.values["reward"] for row in log.of(Metrics) if row.phase is Phase.TRAIN}
    assert [rewards[step] is None for step in range(1, STEPS + 1)] == [False, False, False, True, True, True]
    assert b'"reward":null' in log.path.read_bytes()


def test_a_resumed_training_heads_its_log_anew_at_the_step_it_starts_from(models: Models, tmp_path: Path) -> None:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    def trainer(steps: int) -> Any:
        pairs = preferences(1, 32)
        return SFTTrainer(
            model=models.policy(),
            args=SFTConfig(per_device_train_batch_size=4, **_arguments(tmp_path) | {"max_steps": steps}),
            train_dataset=Dataset.from_dict({"prompt": pairs["prompt"], "completion": pairs["chosen"]}),
            processing_class=models.tokenizer(),
            callbacks=[_callback()],
        )

    trainer(3).train()
    trainer(6).train(resume_from_checkpoint=True)
    log = log_of(tmp_path)
    assert [event.first_step for event in log.of(RunStarted)] == [0, 3]
    assert len({event.run_id for event in log.of(RunStarted)}) == 1
    assert [beat.step for beat in log.of(Heartbeat)] == [1, 2, 3, 4, 5, 6]


def _last_loss(trainer: Any) -> list[str]:
    """Losses to the last bit, and the weights they led to."""
    losses = [float(entry["loss"]).hex() for entry in trainer.state.log_history if "loss" in entry]
    weights = [float(parameter.detach().double().sum()).hex() for parameter in trainer.model.parameters()]
    return losses + weights


def test_a_callback_that_can_write_nothing_changes_not_one_bit_of_the_training(models: Models, tmp_path: Path) -> None:
    in_the_way = tmp_path / "in-the-way"
    in_the_way.write_text("a file where the run directory should be")
    without = grpo(models, _arguments(tmp_path / "a"), [])
    unwritable = grpo(models, _arguments(tmp_path / "b"), [_callback(output_dir=in_the_way)])
    watched = grpo(models, _arguments(tmp_path / "c"), [_callback(system_interval=0.0)])
    assert _last_loss(without) == _last_loss(unwritable) == _last_loss(watched)


def _fail(*_: Any, **__: Any) -> None:
    raise ZeroDivisionError("ours")


def _stale(*_: Any) -> None:
    raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))


_start = threading.Thread.start


def _no_thread(thread: threading.Thread) -> None:
    """Ours alone: the trainer loads its model with threads of its own."""
    if thread.name.startswith("rldk-"):
        raise RuntimeError("can't start new thread")
    _start(thread)


def _everything_of(kinds: Iterable[type], names: Iterable[str]) -> list[tuple[Any, str, Any]]:
    return [(kind, name, _fail) for kind in kinds for name in names if name in vars(kind)]


def _broken(what: str) -> list[tuple[Any, str, Any]]:
    """What is replaced by something that fails: on whom, under which name, by what."""
    from rldk_tui.events.writer import EventWriter
    from rldk_tui.integrations.trl import headed_log
    from rldk_tui.integrations.trl.part import EVENTS
    from rldk_tui.integrations.trl.parts import Options, parts_for
    from rldk_tui.integrations.trl.recorder import Recorder

    broken: dict[str, list[tuple[Any, str, Any]]] = {
        "parts": _everything_of([type(part) for part in parts_for(Options(profile=True))], EVENTS),
        "recorder": _everything_of([Recorder], ("metrics", "heartbeat", "checkpoint", "end", "sample", "measure", "write")),
        "encoder": [(headed_log, "encode_lines", _fail)],
        "network disk": [(EventWriter, "_write", _stale)],
        "threads": [(threading.Thread, "start", _no_thread)],
    }
    return broken[what]


@pytest.mark.parametrize("algorithm", [Algorithm.GRPO, Algorithm.PPO, Algorithm.SFT], ids=str)
def test_whatever_of_ours_fails_changes_not_one_bit_of_the_training(
    algorithm: Algorithm, models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import set_seed

    def trained(run: str, *watchers: Any) -> list[str]:
        set_seed(3)
        arguments = {**common_arguments(str(tmp_path / run), 3), "save_steps": 2}
        with attached(watchers[0]) if watchers else nullcontext():
            return _last_loss(TRAINERS[algorithm](models, arguments, []))

    without = trained("without")
    for what in ("parts", "recorder", "encoder", "network disk", "threads"):
        with monkeypatch.context() as patch:
            for owner, name, failing in _broken(what):
                patch.setattr(owner, name, failing)
            assert trained(what, _callback(profile=True, checkpoint_analysis=False)) == without, what


_KILLED = """
import os, signal, sys
from pathlib import Path
from transformers import TrainerCallback
from sample_runs.tiny_models import Models
from sample_runs.trainings import common_arguments, train_grpo
from rldk_tui.integrations.trl import RLDKCallback

class Killer(TrainerCallback):
    def on_log(self, args, state, control, logs=None, **kwargs):
        print("LOGGED", state.global_step, logs["reward"].hex(), flush=True)
        if state.global_step == 4:
            os.kill(os.getpid(), int(sys.argv[4]))

run, language, reward = map(Path, sys.argv[1:4])
small = {"per_device_train_batch_size": 8, "num_generations": 4, "max_completion_length": 8, "save_strategy": "no"}
train_grpo(Models(language, reward), common_arguments(str(run), 10) | small, [RLDKCallback(), Killer()])
"""


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
def test_a_killed_training_loses_nothing_it_had_logged_and_claims_no_end(
    models: Models, tmp_path: Path, death: signal.Signals
) -> None:
    arguments = [str(tmp_path), str(models.language), str(models.reward), str(int(death))]
    root = Path(__file__).resolve().parents[3]
    ran = subprocess.run(
        [sys.executable, "-c", _KILLED, *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == -death, ran.stderr
    logged = [line.split()[1:] for line in ran.stdout.splitlines() if line.startswith("LOGGED")]
    log = log_of(tmp_path)
    assert [int(step) for step, _ in logged] == [1, 2, 3, 4]
    assert log.values("reward") == {int(step): float.fromhex(reward) for step, reward in logged}
    assert log.of(RunEnded) == []
