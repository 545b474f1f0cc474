"""Files of weights as tests want them: whole, hostile or cut short."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rldk_tui.checkpoints.tensor_reader import TensorReader
from rldk_tui.checkpoints.tensors import StoredTensor


def entry(begin: int, end: int, shape: list[int] | None = None, dtype: str = "F32") -> dict[str, Any]:
    """A header's entry; by default a vector of 4-byte numbers."""
    return {"dtype": dtype, "shape": [(end - begin) // 4] if shape is None else shape, "data_offsets": [begin, end]}


def write(path: Path, header: dict[str, Any] | bytes, data: bytes = b"") -> Path:
    """A safetensors file of this header, which need not be true."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def held(tensor: StoredTensor) -> NDArray[np.generic]:
    """A copy of its numbers."""
    with TensorReader() as reader:
        return np.array(reader.numbers(tensor)[:])


def model(**config: Any) -> Any:
    """A Qwen2 of a few thousand weights, not trained."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    small = {"vocab_size": 32, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1}
    return Qwen2ForCausalLM(Qwen2Config(**{**small, **heads, **config}))
