"""Checkpoints in parts are recognised, told how to join, and never unpickled."""

from __future__ import annotations

import pickle
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rldk_tui.checkpoints.layout import CheckpointKind, open_checkpoint
from tests.checkpoints.weights import held


class Malicious:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def make(folder: Path, *files: str) -> Path:
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(Malicious(folder.parent / "ran")))
    return folder


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")
def test_a_real_torch_checkpoint_is_joined_by_the_command_it_is_told(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from torch.distributed.checkpoint.state_dict_saver import save

    folder = tmp_path / "it's a checkpoint"
    save({"model": {"layer.weight": torch.arange(6.0)}}, checkpoint_id=str(folder))
    files = open_checkpoint(folder)
    assert (files.kind, files.tensors, [problem.kind for problem in files.problems]) == (
        CheckpointKind.DISTRIBUTED,
        (),
        ["convert-first"],
    )
    command = shlex.split(files.problems[0].advice.partition(": ")[2])
    assert command[0] == "python"
    subprocess.run([sys.executable, *command[1:]], check=True, capture_output=True)
    (tensor,) = open_checkpoint(Path(command[-1])).tensors
    assert (tensor.name, held(tensor).tolist()) == ("layer.weight", [0, 1, 2, 3, 4, 5])


def test_fsdp_is_merged_by_accelerate(tmp_path: Path) -> None:
    parts = ("pytorch_model_fsdp_0/.metadata", "pytorch_model_fsdp_0/__0_0.distcp", "optimizer_0/.metadata")
    files = open_checkpoint(make(tmp_path / "checkpoint-5", *parts, "trainer_state.json"))
    optimizer, weights = files.problems
    assert files.kind == CheckpointKind.DISTRIBUTED
    assert "dcp_to_torch" in optimizer.advice
    assert f"accelerate merge-weights {tmp_path}/checkpoint-5/pytorch_model_fsdp_0" in weights.advice
    assert not (tmp_path / "ran").exists()


def test_deepspeed_is_joined_by_its_own_program(tmp_path: Path) -> None:
    parts = ("mp_rank_00_model_states.pt", "zero_pp_rank_0_mp_rank_00_optim_states.pt")
    files = open_checkpoint(
        make(tmp_path / "checkpoint-5", *(f"global_step5/{part}" for part in parts), "zero_to_fp32.py", "trainer_state.json")
    )
    assert (files.kind, [problem.kind for problem in files.problems]) == (CheckpointKind.DISTRIBUTED, ["convert-first"])
    assert f"python {tmp_path}/checkpoint-5/zero_to_fp32.py {tmp_path}/checkpoint-5 " in files.problems[0].advice
    assert not (tmp_path / "ran").exists()


def test_parts_without_their_plan_are_incomplete(tmp_path: Path) -> None:
    files = open_checkpoint(make(tmp_path / "model", "__0_0.distcp"))
    assert [problem.kind for problem in files.problems] == ["parts-incomplete"]
