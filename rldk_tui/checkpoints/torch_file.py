"""Files that torch wrote, read without running their pickle: the only module here that imports torch, when it is asked to.

`torch.load` with `weights_only=True` builds nothing but tensors, numbers, text and containers from a pickle and refuses what
asks for anything else. Releases before 2.10 could be made to run code all the same (CVE-2025-32434 up to 2.5, CVE-2026-24747
up to 2.9), so these are not used. The tensors are loaded as placeholders (`map_location="meta"`), which moves no bytes; where
their bytes lie is compared with the zip's own directory, and they are then taken as those of a safetensors file are.
"""

from __future__ import annotations

import os
import re
import struct
import warnings
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from pickle import UnpicklingError
from types import ModuleType
from typing import Any

import numpy as np

from rldk_tui.checkpoints.file_problem import FileProblem, named, of_system, of_tensors
from rldk_tui.checkpoints.stored_bytes import MAX_EMPTY_DIMENSION, FileIdentity, Stretch, opened, span
from rldk_tui.checkpoints.tensors import DType, StoredTensor
from rldk_tui.checkpoints.torch_zip import CONVERT, storages

OLDEST_SAFE = (2, 10)
"""The first release of torch without a known way to run code under `weights_only=True`."""

_DEEPEST = 16
_MOST_ITEMS = 2_000_000
_ASKED_FOR = re.compile(r"GLOBAL ([\w.]{1,100})")
# What a hostile pickle makes an unpickler raise: anything but an exit.
_BROKEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
_DTYPES = {
    "float64": DType.F64,
    "float32": DType.F32,
    "float16": DType.F16,
    "bfloat16": DType.BF16,
    "float8_e4m3fn": DType.F8_E4M3,
    "float8_e5m2": DType.F8_E5M2,
    "int64": DType.I64,
    "int32": DType.I32,
    "int16": DType.I16,
    "int8": DType.I8,
    "uint64": DType.U64,
    "uint32": DType.U32,
    "uint16": DType.U16,
    "uint8": DType.U8,
    "bool": DType.BOOL,
}
_TOLD = {
    "unknown-dtype": ("is of a type that is not known here and was left out", "Save it as float32, bfloat16 or float16."),
    "shape-mismatch": ("has a shape larger than its bytes and was left out", "Save a contiguous copy of it."),
    "out-of-range": ("does not lie where the file keeps its tensors and was left out", "Save it again with torch.save."),
    "offsets-overlap": ("repeats bytes that were already read several times and was left out", "Save each tensor once."),
}
_MOST_REPEATED = 4
"""Tied tensors share their bytes; together all tensors may be this many times the file."""


@dataclass(frozen=True, slots=True)
class TorchFile:
    """What a file held.

    Attributes:
        content: As it was saved, of dicts, lists, tuples, numbers and text, with a StoredTensor for every tensor; None in place
            of anything else.
        problems: Tensors that were left out.
    """

    content: object
    problems: tuple[FileProblem, ...]


def load_torch_file(path: Path, source: str) -> TorchFile | FileProblem:
    """The content of a `.bin`, `.pt` or `.pth`, or why it was not read. No code of the file runs.

    Args:
        path: The file.
        source: What to call it.
    """
    try:
        with opened(path) as descriptor:
            identity = FileIdentity.of(descriptor)
            places = storages(descriptor, source, identity.size)
            if isinstance(places, FileProblem):
                return places
            loaded = _load(descriptor, source)
    except OSError as failure:
        return of_system(source, failure)
    if isinstance(loaded, FileProblem):
        return loaded
    walk = _Walk(path, source, identity, places)
    try:
        content = walk.converted(loaded.content, "", 0)
    except _TooMuchError:
        return FileProblem("refused-pickle", source, "It is nested deeper, or holds more, than any checkpoint.", CONVERT)
    return TorchFile(content, tuple(of_tensors(kind, source, names, *_TOLD[kind]) for kind, names in walk.wrong.items()))


def read_torch_weights(path: Path, source: str) -> tuple[tuple[StoredTensor, ...], tuple[FileProblem, ...]]:
    """The tensors of a saved state dict, by name: the file's own mapping or the one below `state_dict`, `model` or `module`."""
    file = load_torch_file(path, source)
    if isinstance(file, FileProblem):
        return (), (file,)
    for mapping in _state_dicts(file.content):
        tensors = tuple(replace(value, name=str(key)) for key, value in mapping.items() if isinstance(value, StoredTensor))
        if tensors:
            return tensors, file.problems
    if file.problems:
        return (), file.problems
    return (), (FileProblem("no-weights", source, "It holds no state dict.", "Name the file that holds the weights."),)


def _state_dicts(content: object) -> list[Mapping[Any, object]]:
    if not isinstance(content, Mapping):
        return []
    below = [content.get(key) for key in ("state_dict", "model", "module")]
    return [content, *(mapping for mapping in below if isinstance(mapping, Mapping))]


def _torch(source: str) -> ModuleType | FileProblem:
    try:
        import torch
    except ImportError:
        return FileProblem("torch-missing", source, "It was written by torch, which is not installed here.", CONVERT)
    version = tuple(int(part) for part in re.findall(r"\d+", torch.__version__)[:2])
    if version < OLDEST_SAFE:
        message = f"torch {torch.__version__[:20]} can be made to run code by such a file, so it was not read."
        return FileProblem("torch-too-old", source, message, "Install torch 2.10 or newer, or convert the file to safetensors.")
    return torch


@dataclass(frozen=True, slots=True)
class _Loaded:
    content: object


def _load(descriptor: int, source: str) -> _Loaded | FileProblem:
    torch = _torch(source)
    if isinstance(torch, FileProblem):
        return torch
    try:
        with os.fdopen(os.dup(descriptor), "rb") as file:
            file.seek(0)
            with warnings.catch_warnings(action="ignore"):  # torch warns of a pickle's version on the terminal
                return _Loaded(torch.load(file, map_location="meta", weights_only=True))
    except UnpicklingError as refusal:
        asked = _ASKED_FOR.search(str(refusal))
        what = f"asks for {named(asked[1])}, which is no weight" if asked else "is not one of plain tensors"
        return FileProblem("refused-pickle", source, f"Its pickle {what}; it was not run.", CONVERT)
    except _BROKEN as failure:
        message = f"torch cannot read it ({type(failure).__name__}); it is damaged or was not written by torch.save."
        return FileProblem("unreadable", source, message, CONVERT)


class _TooMuchError(Exception):
    """More nesting or items than a checkpoint has."""


@dataclass(slots=True)
class _Walk:
    """Goes once through what was loaded; what the pickle refers to twice is converted once."""

    path: Path
    source: str
    identity: FileIdentity
    places: Mapping[int, int]
    wrong: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    items: int = 0
    taken: int = 0
    done: dict[int, object] = field(default_factory=dict)

    def converted(self, value: object, name: str, depth: int) -> object:
        self.items += 1
        if depth > _DEEPEST or self.items > _MOST_ITEMS:
            raise _TooMuchError
        if isinstance(value, str | int | float | bool | None):
            return value
        if isinstance(value, Mapping | list | tuple):
            if id(value) not in self.done:
                self.done[id(value)] = self._container(value, name, depth)
            return self.done[id(value)]
        return self._tensor(value, name) if hasattr(value, "untyped_storage") else None

    def _container(self, value: Mapping[Any, object] | list[object] | tuple[object, ...], name: str, depth: int) -> object:
        prefix = f"{name}." if name else ""
        if isinstance(value, Mapping):
            keyed = ((key, item) for key, item in value.items() if isinstance(key, str | int))
            return {key: self.converted(item, f"{prefix}{key}", depth + 1) for key, item in keyed}
        return [self.converted(item, f"{prefix}{index}", depth + 1) for index, item in enumerate(value)]

    def _tensor(self, tensor: Any, name: str) -> StoredTensor | None:
        found = self._placed(tensor, name)
        if isinstance(found, str):
            self.wrong[found].append(name)
            return None
        return found

    def _placed(self, tensor: Any, name: str) -> StoredTensor | str:
        dtype = _DTYPES.get(str(tensor.dtype).removeprefix("torch."))
        if dtype is None or str(tensor.layout) != "torch.strided":
            return "unknown-dtype"
        shape, strides, width = tuple(tensor.shape), tuple(tensor.stride()), dtype.storage.itemsize
        count = prod(shape)
        needed = span(shape, strides) if count else 0
        if needed < count or max((0, *shape)) > max(count, MAX_EMPTY_DIMENSION):
            return "shape-mismatch"
        storage = getattr(tensor.untyped_storage(), "_checkpoint_offset", -1)
        first = int(tensor.storage_offset()) * width
        if first + needed * width > self.places.get(storage, -1) and count:
            return "out-of-range"
        self.taken += needed * width
        if self.taken > _MOST_REPEATED * self.identity.size:
            return "offsets-overlap"
        layout = None if tensor.is_contiguous() else (shape, strides)
        stretch = Stretch(self.path, self.identity, storage + first, count, np.dtype(dtype.storage), layout)
        return StoredTensor(name, dtype, shape, self.source, stretch)
