"""What lies at a path: which files of a checkpoint hold its weights, which belong to its training, and what is wrong there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from rldk_tui.checkpoints.distributed import Parts, convert_first, find_parts
from rldk_tui.checkpoints.file_problem import FileChangedError, FileProblem, of_system
from rldk_tui.checkpoints.folder import step_of
from rldk_tui.checkpoints.json_file import CONFIG, TRAINER_STATE, read_object
from rldk_tui.checkpoints.named_adapters import ADAPTER_FILES, named_adapters
from rldk_tui.checkpoints.safetensors_file import read_safetensors
from rldk_tui.checkpoints.shards import Read, lies_within, read_shards
from rldk_tui.checkpoints.tensors import StoredTensor
from rldk_tui.checkpoints.torch_file import read_torch_weights
from rldk_tui.errors import UserError

__all__ = ["CheckpointFiles", "CheckpointKind", "FileProblem", "changed_since", "open_checkpoint"]

_TORCH_SUFFIXES = frozenset({".bin", ".pt", ".pth", ".ckpt"})
_INDEX_SUFFIX = ".index.json"
_TRAINER_STATE = "trainer_state.json"
_WEIGHTS: tuple[tuple[str, bool], ...] = (
    *((file, True) for file in ADAPTER_FILES),
    ("model.safetensors", False),
    ("model.safetensors.index.json", False),
    ("pytorch_model.bin", False),
    ("pytorch_model.bin.index.json", False),
)
"""What holds the weights, the first that is there; whether it is an adapter. The order is that of `from_pretrained`."""
_INCOMPLETE = frozenset({"missing-shard", "missing-tensor", "truncated", "empty-file", "trainer-state-missing", "no-weights"})
_MOST_FILES = 100_000
_HINT = "Name a checkpoint folder (checkpoint-<step>, an adapter, a saved model) or a .safetensors, .bin or .pt file."


class CheckpointKind(StrEnum):
    """What a checkpoint holds."""

    FULL = "full"
    ADAPTER = "adapter"
    DISTRIBUTED = "distributed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointFiles:
    """A checkpoint as it lies on disk; no number of its weights has been read.

    Attributes:
        path: The folder, or the single file.
        step: From the folder's name, else from its trainer_state.json; None if neither tells.
        kind: What it holds.
        tensors: Its weights, in the order of the files; those of an adapter in a folder of its own begin with its name.
        problems: All that is wrong, one a kind and file.
        config: Of the model (config.json).
        adapter_config: Of the adapter (adapter_config.json).
        optimizer, scheduler, trainer_state: Where these lie, if they do.
        files: Names of everything in the folder that is no folder, sorted.
        size: Bytes of the regular files among them.
        complete: Whether nothing of it is missing: no shard, no tensor, no end of a file, and for a `checkpoint-<step>` the
            trainer_state.json that the Trainer writes last.
        by_name: The tensors by their names.
    """

    path: Path
    step: int | None = None
    kind: CheckpointKind = CheckpointKind.UNKNOWN
    tensors: tuple[StoredTensor, ...] = ()
    problems: tuple[FileProblem, ...] = ()
    config: Mapping[str, Any] | None = None
    adapter_config: Mapping[str, Any] | None = None
    optimizer: Path | None = None
    scheduler: Path | None = None
    trainer_state: Path | None = None
    files: tuple[str, ...] = ()
    size: int = 0
    complete: bool = True
    by_name: Mapping[str, StoredTensor] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {tensor.name: tensor for tensor in self.tensors})


def open_checkpoint(path: Path) -> CheckpointFiles:
    """What is at a path: a checkpoint folder or a single file of weights.

    Raises:
        UserError: if nothing is there, or nothing that is a checkpoint.
    """
    if not os.path.lexists(path):
        raise UserError(f"There is nothing at {path}.", _HINT)
    if path.is_dir():
        return _Folder(path).opened()
    if path.name.endswith(_INDEX_SUFFIX):
        return _Folder(path.parent).opened()
    if path.suffix != ".safetensors" and path.suffix not in _TORCH_SUFFIXES:
        raise UserError(f"{path.name} is not a checkpoint.", _HINT)
    tensors, problems = _reader(path.name)(path, path.name)
    return CheckpointFiles(
        path=path,
        step=step_of(path.absolute().parent.name),
        kind=_kind(path.name.startswith("adapter_"), tensors),
        tensors=tensors,
        problems=problems,
        files=(path.name,),
        size=_size(path),
        complete=_complete(problems),
    )


def holds_weights(folder: Path) -> bool:
    """Whether the weights of a model or an adapter lie in a folder itself: a run's directory may hold its final model."""
    try:
        with os.scandir(folder) as listing:
            own = any(entry.name.endswith(".safetensors") or entry.name in dict(_WEIGHTS) for entry in listing)
        return own or bool(named_adapters(folder))
    except OSError:
        return False


def changed_since(tensors: Iterable[StoredTensor]) -> tuple[FileProblem, ...]:
    """One problem for every file of these tensors that is no longer the one that was opened; to be asked after the work."""
    first = {tensor.source: tensor.stretch for tensor in tensors}
    return tuple(of_system(source, FileChangedError()) for source, stretch in first.items() if stretch.changed())


def _reader(name: str) -> Read:
    return read_safetensors if name.endswith(".safetensors") else read_torch_weights


def _kind(adapter: bool, tensors: tuple[StoredTensor, ...]) -> CheckpointKind:
    if adapter:
        return CheckpointKind.ADAPTER
    return CheckpointKind.FULL if tensors else CheckpointKind.UNKNOWN


def _complete(problems: Iterable[FileProblem]) -> bool:
    return not any(problem.kind in _INCOMPLETE for problem in problems)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0


@dataclass(slots=True)
class _Folder:
    """One look at a folder; gathers what is wrong on the way."""

    path: Path
    files: frozenset[str] = frozenset()
    adapters: tuple[str, ...] = ()
    problems: list[FileProblem] = field(default_factory=list)

    def opened(self) -> CheckpointFiles:
        parts = self._listed()
        weights = self._weights()
        if not weights or weights[0] in ADAPTER_FILES:
            self.adapters = named_adapters(self.path)
        tensors = self._tensors((*weights, *self.adapters))
        kind = self._kind((*weights, *self.adapters), tensors, parts)
        if kind is None:
            raise UserError(f"{self.path} holds no checkpoint.", _HINT)
        for one in parts:
            self.problems.append(convert_first(self.path, one))
        state = self._there(_TRAINER_STATE)
        if state is None and step_of(self.path.absolute().name) is not None:
            message = "The file that the Trainer writes last is not there."
            advice = "It is still being written, or its writer died: look again later, or use an earlier checkpoint."
            self.problems.append(FileProblem("trainer-state-missing", _TRAINER_STATE, message, advice))
        return CheckpointFiles(
            path=self.path,
            step=self._step(state),
            kind=kind,
            tensors=tensors,
            config=self._json("config.json"),
            adapter_config=self._json("adapter_config.json"),
            optimizer=self._there("optimizer.pt"),
            scheduler=self._there("scheduler.pt"),
            trainer_state=state,
            files=tuple(sorted(self.files)),
            size=sum(_size(self.path / name) for name in (*self.files, *self.adapters)),
            problems=tuple(self.problems),
            complete=_complete(self.problems),
        )

    def _listed(self) -> tuple[Parts, ...]:
        try:
            with os.scandir(self.path) as listing:
                names = [entry.name for _, entry in zip(range(_MOST_FILES), listing, strict=False)]
            self.files = frozenset(name for name in names if not (self.path / name).is_dir())
            return find_parts(self.path)
        except OSError as failure:
            raise UserError(f"{self.path} cannot be listed ({failure.strerror}).", "Run as its owner.") from failure

    def _weights(self) -> tuple[str, ...]:
        """The files of the weights: one of the names every library knows, else all safetensors there are."""
        known = next((name for name, _ in _WEIGHTS if name in self.files), None)
        if known is not None:
            return (known,)
        return tuple(sorted(name for name in self.files if name.endswith(".safetensors")))

    def _tensors(self, weights: tuple[str, ...]) -> tuple[StoredTensor, ...]:
        tensors: dict[str, StoredTensor] = {}
        for name in weights:
            for tensor in self._read(name):
                tensors.setdefault(tensor.name, tensor)
        return tuple(tensors.values())

    def _read(self, name: str) -> tuple[StoredTensor, ...]:
        if name.endswith(_INDEX_SUFFIX):
            found, wrong = read_shards(self.path, name, _reader(name.removesuffix(_INDEX_SUFFIX)))
        elif lies_within(self.path, name):
            found, wrong = _reader(name)(self.path / name, name)
            named = name.rpartition("/")[0]
            found = tuple(replace(tensor, name=f"{named}/{tensor.name}") for tensor in found) if named else found
        else:
            message = "It is a link to a file outside the checkpoint's folder, which was not opened."
            found, wrong = (), (FileProblem("shard-outside-folder", name, message, "Name the file it leads to instead."),)
        self.problems.extend(wrong)
        return found

    def _kind(
        self, weights: tuple[str, ...], tensors: tuple[StoredTensor, ...], parts: tuple[Parts, ...]
    ) -> CheckpointKind | None:
        """None if nothing here is of a checkpoint."""
        if weights:
            return _kind(weights[0].rpartition("/")[2] in ADAPTER_FILES, tensors)
        if any(part.weights for part in parts):
            return CheckpointKind.DISTRIBUTED
        if step_of(self.path.absolute().name) is None:
            return None
        self.problems.append(
            FileProblem("no-weights", self.path.absolute().name, "It holds no weights.", "Use another checkpoint.")
        )
        return CheckpointKind.UNKNOWN

    def _step(self, state: Path | None) -> int | None:
        step = step_of(self.path.absolute().name)
        if step is not None or state is None:
            return step
        content = read_object(state, state.name, TRAINER_STATE)
        found = None if isinstance(content, FileProblem) else content.get("global_step")
        return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None

    def _there(self, name: str) -> Path | None:
        return self.path / name if name in self.files else None

    def _json(self, name: str) -> Mapping[str, Any] | None:
        if name not in self.files:
            return None
        content = read_object(self.path / name, name, CONFIG)
        if isinstance(content, FileProblem):
            self.problems.append(content)
            return None
        return content
