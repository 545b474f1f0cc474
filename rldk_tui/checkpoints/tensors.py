"""One tensor on disk: what it is, and how its numbers are reached without reading them all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from math import prod

import numpy as np

from rldk_tui.checkpoints.stored_bytes import Stretch


class DType(StrEnum):
    """How the numbers are stored, by the names of the safetensors format."""

    F64 = "F64"
    F32 = "F32"
    F16 = "F16"
    BF16 = "BF16"
    F8_E4M3 = "F8_E4M3"
    F8_E5M2 = "F8_E5M2"
    I64 = "I64"
    I32 = "I32"
    I16 = "I16"
    I8 = "I8"
    U64 = "U64"
    U32 = "U32"
    U16 = "U16"
    U8 = "U8"
    BOOL = "BOOL"

    @cached_property
    def storage(self) -> np.dtype[np.generic]:
        """The NumPy type its bytes are viewed as: formats NumPy does not know are unsigned integers of the same width."""
        return np.dtype(_STORAGE[self])

    @cached_property
    def floating(self) -> bool:
        """Whether it holds weights, which are judged; whole numbers are only counted."""
        return self.value.startswith(("F", "BF"))


_STORAGE = {
    DType.F64: "<f8",
    DType.F32: "<f4",
    DType.F16: "<f2",
    DType.BF16: "<u2",
    DType.F8_E4M3: "u1",
    DType.F8_E5M2: "u1",
    DType.I64: "<i8",
    DType.I32: "<i4",
    DType.I16: "<i2",
    DType.I8: "i1",
    DType.U64: "<u8",
    DType.U32: "<u4",
    DType.U16: "<u2",
    DType.U8: "u1",
    DType.BOOL: "u1",
}


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor in a file.

    Attributes:
        name: As the model calls it (`model.layers.0.mlp.up_proj.weight`).
        dtype: How its numbers are stored.
        shape: Its dimensions; empty for a scalar.
        source: The file's name, relative to the checkpoint's folder.
        stretch: Where its numbers lie; `TensorReader` reads them.
    """

    name: str
    dtype: DType
    shape: tuple[int, ...]
    source: str
    stretch: Stretch

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)

    @property
    def rows(self) -> int:
        """Its first dimension where it has at least two, else 1: a vector is one row."""
        return self.shape[0] if len(self.shape) >= 2 else 1

    @property
    def size(self) -> int:
        """Bytes of its numbers."""
        return self.count * self.dtype.storage.itemsize
