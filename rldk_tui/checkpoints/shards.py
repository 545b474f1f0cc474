"""Weights split over several files, by the index that names them (`model.safetensors.index.json`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from rldk_tui.checkpoints.file_problem import COPY_AGAIN, FileProblem, named, of_tensors
from rldk_tui.checkpoints.json_file import INDEX, read_object
from rldk_tui.checkpoints.tensors import StoredTensor

Read = Callable[[Path, str], tuple[tuple[StoredTensor, ...], tuple[FileProblem, ...]]]

MAX_SHARDS = 10_000
"""Files an index may name; the largest models have a few hundred."""


def read_shards(folder: Path, index: str, read: Read) -> tuple[tuple[StoredTensor, ...], tuple[FileProblem, ...]]:
    """The tensors of all shards an index names, shard by shard, and what is wrong with index and shards.

    Args:
        folder: The checkpoint.
        index: The index's file name.
        read: Reads one shard.
    """
    content = read_object(folder / index, index, INDEX)
    if isinstance(content, FileProblem):
        return (), (content,)
    wanted = _wanted(content.get("weight_map"))
    if wanted is None:
        message = "It has no `weight_map` from tensors to files."
        return (), (FileProblem("bad-index", index, message, "Save the checkpoint again."),)
    if not wanted:
        return (), (FileProblem("bad-index", index, "Its `weight_map` names no tensor.", "Save the checkpoint again."),)
    if len(wanted) > MAX_SHARDS:
        return (), (FileProblem("bad-index", index, f"It names more than {MAX_SHARDS} shards.", "Save the checkpoint again."),)
    present, problems = _present(folder, index, wanted)
    tensors: list[StoredTensor] = []
    for shard in present:
        found, wrong = read(folder / shard, shard)
        tensors.extend(found)
        problems.extend(wrong)
        if not wrong:
            problems.extend(_absent(shard, wanted[shard], found))
    once, twice = _once(tensors)
    return once, (*problems, *twice)


def _wanted(weight_map: object) -> dict[str, list[str]] | None:
    """Shard -> its tensors, sorted by shard."""
    if not isinstance(weight_map, Mapping) or not all(isinstance(shard, str) for shard in weight_map.values()):
        return None
    shards: dict[str, list[str]] = defaultdict(list)
    for tensor, shard in weight_map.items():
        shards[shard].append(tensor)
    return dict(sorted(shards.items()))


def _present(folder: Path, index: str, wanted: Mapping[str, list[str]]) -> tuple[list[str], list[FileProblem]]:
    present: list[str] = []
    outside: list[str] = []
    missing: list[str] = []
    for shard in wanted:
        if not lies_within(folder, shard):
            outside.append(shard)
        elif not (folder / shard).exists() and not (folder / shard).is_symlink():
            missing.append(shard)
        else:
            present.append(shard)
    problems = []
    if outside:
        message = f"It names {_some(outside)} outside the checkpoint's folder; nothing there was opened."
        problems.append(FileProblem("shard-outside-folder", index, message, "Copy the shards into the folder."))
    if missing:
        message = f"It names {_some(missing)} that {'is' if len(missing) == 1 else 'are'} not there ({len(wanted)} in all)."
        advice = "The save or the copy was cut short: copy the missing shards, or use an earlier checkpoint."
        problems.append(FileProblem("missing-shard", index, message, advice, wanted[missing[0]][0]))
    return present, problems


def _some(shards: list[str]) -> str:
    return f"the shard {named(shards[0])}" if len(shards) == 1 else f"{len(shards)} shards (the first: {named(shards[0])})"


def lies_within(folder: Path, name: str) -> bool:
    """Whether a file named by an index lies in the folder, links followed.

    The Hub's cache keeps `snapshots/<revision>/` full of links to `blobs/` beside it; those belong to the folder.
    """
    path = PurePosixPath(name)
    if not name or "\0" in name or path.is_absolute() or ".." in path.parts:
        return False
    try:
        target, home = (folder / name).resolve(), folder.resolve()
    except (OSError, RuntimeError):  # a loop of links: for whoever opens it to say
        return True
    blobs = home.parent.parent / "blobs" if home.parent.name == "snapshots" else home
    return target.is_relative_to(home) or target.is_relative_to(blobs)


def _absent(shard: str, wanted: list[str], found: tuple[StoredTensor, ...]) -> list[FileProblem]:
    there = {tensor.name for tensor in found}
    absent = [name for name in wanted if name not in there]
    return [of_tensors("missing-tensor", shard, absent, "should be in this shard and is not", COPY_AGAIN)] if absent else []


def _once(tensors: list[StoredTensor]) -> tuple[tuple[StoredTensor, ...], list[FileProblem]]:
    once: dict[str, StoredTensor] = {}
    twice: dict[str, list[str]] = defaultdict(list)
    for tensor in tensors:
        if tensor.name in once:
            twice[tensor.source].append(tensor.name)
        else:
            once[tensor.name] = tensor
    what, advice = "is in an earlier shard too; that one counts", "Remove the files that another save left behind."
    return tuple(once.values()), [of_tensors("duplicate-tensor", shard, names, what, advice) for shard, names in twice.items()]
