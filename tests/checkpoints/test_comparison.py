"""Two checkpoints number by number, against NumPy."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from rldk_tui.checkpoints import CheckpointAnalyzer
from tests.checkpoints.made import adapter, checkpoint, sharded, trained, weights

UP = "model.layers.3.mlp.up_proj.weight"


def test_it_agrees_with_numpy(tmp_path: Path) -> None:
    old = weights()
    new = trained(old)
    found = CheckpointAnalyzer().compare(checkpoint(tmp_path, 10, old), checkpoint(tmp_path, 30, new))
    before, after = (
        np.concatenate([content[one.name].ravel() for one in found.tensors]).astype(np.float64) for content in (old, new)
    )
    assert found.steps == 20
    assert found.total.count == before.size
    assert found.total.relative == pytest.approx(np.linalg.norm(after - before) / np.linalg.norm(before), rel=1e-6)
    assert found.total.cosine == pytest.approx(before @ after / np.linalg.norm(before) / np.linalg.norm(after), rel=1e-6)
    assert found.total.sign_flips == np.mean(before * after < 0)
    assert found.total.largest == pytest.approx(np.abs(after - before).max(), rel=1e-6)
    assert found.per_step == found.total.relative / 20
    assert len(found.layers) == 8
    assert {role.name for role in found.roles} == {"embedding", "norm", "attention", "mlp"}


def test_nothing_changed(tmp_path: Path) -> None:
    found = CheckpointAnalyzer().compare(checkpoint(tmp_path, 10, weights()), checkpoint(tmp_path, 20, weights()))
    assert found.total.relative == 0.0
    assert found.total.unchanged == 1.0
    assert found.total.unchanged_tensors == len(found.tensors)


def test_tensors_that_only_one_has_are_named_and_the_rest_is_compared(tmp_path: Path) -> None:
    old, new = weights(), weights()
    new["score.weight"] = np.zeros((1, 32), np.float32)
    del new["model.norm.weight"]
    new[UP] = np.zeros((64, 32), np.float32)
    found = CheckpointAnalyzer().compare(checkpoint(tmp_path, 10, old), checkpoint(tmp_path, 20, new))
    assert (found.only_before, found.only_after, found.reshaped) == (("model.norm.weight",), ("score.weight",), (UP,))
    assert len(found.tensors) == len(old) - 2


def test_models_without_a_tensor_in_common(tmp_path: Path) -> None:
    lora = checkpoint(tmp_path, 20, adapter(), name="adapter_model.safetensors")
    found = CheckpointAnalyzer().compare(checkpoint(tmp_path, 10, weights()), lora)
    assert found.tensors == ()
    assert math.isnan(found.total.relative)


def test_the_effective_rank_counts_the_directions_of_the_change(tmp_path: Path) -> None:
    old = adapter()
    name = next(name for name in old if "lora_A" in name)
    one, several = dict(old), dict(old)
    one[name] = old[name] + np.outer(np.ones(8), np.linspace(0, 1, 32)).astype(np.float32)
    several[name] = old[name] + np.eye(8, 32, dtype=np.float32)
    base = checkpoint(tmp_path, 10, old, name="adapter_model.safetensors")
    ranks = []
    for step, content in ((20, one), (30, several)):
        found = CheckpointAnalyzer().compare(base, checkpoint(tmp_path, step, content, name="adapter_model.safetensors"))
        ranks.append({change.name: change.effective_rank for change in found.tensors}[name])
        assert all(change.effective_rank is None for change in found.tensors if change.name != name)
    assert ranks == [pytest.approx(1.0, abs=1e-3), pytest.approx(8.0, abs=1e-3)]


def test_one_file_and_shards_compare(tmp_path: Path) -> None:
    old = weights()
    new = trained(old)
    one = CheckpointAnalyzer().compare(checkpoint(tmp_path, 10, old), checkpoint(tmp_path, 20, new))
    many = CheckpointAnalyzer().compare(checkpoint(tmp_path, 10, old), sharded(tmp_path / "many", 20, new))
    assert one.total == many.total
    assert one.roles == many.roles


def test_another_precision_compares(tmp_path: Path) -> None:
    old = weights()
    half = {name: array.astype(np.float16) for name, array in old.items()}
    found = CheckpointAnalyzer().compare(checkpoint(tmp_path, 10, old), checkpoint(tmp_path, 20, half))
    assert 0 < found.total.relative < 1e-3
