"""Checkpoints made of arrays: a small model with eight layers, and what training does to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.checkpoints.weights import write

Weights = dict[str, NDArray[Any]]
_NAMES = {np.dtype(np.float32): "F32", np.dtype(np.float64): "F64", np.dtype(np.float16): "F16", np.dtype(np.int64): "I64"}
_LAYERS, _WIDTH = 8, 32


def weights(seed: int = 0) -> Weights:
    """A Qwen-like model, not trained."""
    draw = np.random.default_rng(seed)

    def matrix(rows: int, columns: int) -> NDArray[np.float32]:
        return draw.normal(0.0, 0.05, (rows, columns)).astype(np.float32)

    made: Weights = {"model.embed_tokens.weight": matrix(64, _WIDTH), "model.norm.weight": np.ones(_WIDTH, np.float32)}
    for layer in range(_LAYERS):
        made[f"model.layers.{layer}.input_layernorm.weight"] = np.ones(_WIDTH, np.float32)
        for name in ("self_attn.q_proj", "self_attn.o_proj", "mlp.up_proj", "mlp.down_proj"):
            made[f"model.layers.{layer}.{name}.weight"] = matrix(_WIDTH, _WIDTH)
    return made


def trained(before: Mapping[str, NDArray[Any]], seed: int = 1, by: float = 0.001) -> Weights:
    """The same after some steps: every number moved a little."""
    draw = np.random.default_rng(seed)
    return {name: (old + draw.normal(0.0, by, old.shape)).astype(old.dtype) for name, old in before.items()}


def adapter(b: float = 0.01) -> Weights:
    """A LoRA adapter on four modules; `b` is the spread of its B matrices."""
    draw = np.random.default_rng(3)
    made: Weights = {}
    for layer in range(4):
        stem = f"base_model.model.model.layers.{layer}.self_attn.q_proj"
        made[f"{stem}.lora_A.weight"] = draw.normal(0.0, 0.1, (8, _WIDTH)).astype(np.float32)
        made[f"{stem}.lora_B.weight"] = draw.normal(0.0, b, (_WIDTH, 8)).astype(np.float32) * (b > 0)
    return made


def tensors_file(path: Path, content: Mapping[str, NDArray[Any]]) -> Path:
    """A safetensors file of these arrays."""
    header, data = {}, b""
    for name, array in content.items():
        held = array.tobytes()
        header[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + len(held)],
        }
        data += held
    text = json.dumps(header)
    return write(path, (text + " " * (-len(text) % 8)).encode(), data)


def checkpoint(
    run: Path,
    step: int,
    content: Mapping[str, NDArray[Any]],
    *,
    name: str = "model.safetensors",
    config: Mapping[str, Any] | None = None,
) -> Path:
    """`checkpoint-<step>` as the Trainer leaves it, without its optimizer."""
    folder = run / f"checkpoint-{step}"
    folder.mkdir(parents=True, exist_ok=True)
    tensors_file(folder / name, content)
    (folder / "config.json").write_text(json.dumps({"model_type": "qwen2", **(config or {})}))
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": step, "max_steps": 100, "log_history": []}))
    return folder


def sharded(run: Path, step: int, content: Mapping[str, NDArray[Any]], shards: int = 3) -> Path:
    """The same in several files with an index."""
    folder = checkpoint(run, step, {})
    (folder / "model.safetensors").unlink()
    names = list(content)
    placed = {
        name: f"model-{index * shards // len(names) + 1:05d}-of-{shards:05d}.safetensors" for index, name in enumerate(names)
    }
    for shard in dict.fromkeys(placed.values()):
        tensors_file(folder / shard, {name: content[name] for name in names if placed[name] == shard})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": placed}))
    return folder
