"""`accelerate launch` with two processes: one run, whose first rank logs the metrics and whose every rank its own machine.

accelerate has no launcher of its own for several CPU processes: `--multi_gpu` starts them with torch's, and the arguments'
`use_cpu` keeps them off the GPUs.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rldk_tui.events import Checkpoint, Heartbeat, Metrics, RunEnded, RunStarted, RunState, System
from rldk_tui.session import RunSession
from sample_runs.tiny_models import Models
from tests.integrations.trl.conftest import log_of

pytestmark = pytest.mark.train
pytest.importorskip("trl")

_TRAINING = """
import sys
from pathlib import Path
from sample_runs.tiny_models import Models
from sample_runs.trainings import common_arguments, train_grpo
from rldk_tui.integrations.trl import RLDKCallback

run, language, reward = map(Path, sys.argv[1:])
small = {"per_device_train_batch_size": 8, "num_generations": 4, "max_completion_length": 8, "log_completions": False}
train_grpo(Models(language, reward), common_arguments(str(run), 4) | small, [RLDKCallback()])
"""


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def run(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two-processes")
    script, root = folder / "train.py", Path(__file__).resolve().parents[3]
    script.write_text(_TRAINING)
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"]
    options = ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", str(_free_port())]
    arguments = [str(script), str(folder / "run"), str(models.language), str(models.reward)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    ran = subprocess.run(
        [*launch, *options, *arguments], env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return folder / "run"


def test_the_first_rank_writes_the_metrics_and_every_rank_its_steps_and_machine(run: Path) -> None:
    first, second = log_of(run, 0), log_of(run, 1)
    assert {row.step for row in first.of(Metrics)} == {1, 2, 3, 4}
    assert first.of(Checkpoint)
    assert second.of(Metrics) == []
    assert second.of(Checkpoint) == []
    for rank, log in enumerate((first, second)):
        started = log.of(RunStarted)[0]
        assert (started.rank, started.world_size, started.run_id) == (rank, 2, "run")
        assert [beat.step for beat in log.of(Heartbeat)] == [1, 2, 3, 4]
        assert {sample.rank for sample in log.of(System)} == {rank}
        assert [(end.step, end.failed) for end in log.of(RunEnded)] == [(4, False)]
    assert first.of(RunStarted)[0].pid != second.of(RunStarted)[0].pid


def test_it_is_one_run_with_one_launch(run: Path) -> None:
    snapshot = RunSession.open(run).poll().snapshot
    assert len(snapshot.segments) == 1
    assert snapshot.state is RunState.FINISHED
    assert {sample.rank for sample in snapshot.system} == {0, 1}
