"""Two checkpoints against each other, number by number."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from rldk_tui.checkpoints import kernels
from rldk_tui.checkpoints.executor import Executor, Names, Opened, named_tensors
from rldk_tui.checkpoints.file_problem import FileProblem, of_tensors
from rldk_tui.checkpoints.kernels.formats import decode
from rldk_tui.checkpoints.layout import CheckpointFiles, changed_since
from rldk_tui.checkpoints.roles import Place, Role, place_of
from rldk_tui.checkpoints.statistics import Change
from rldk_tui.checkpoints.tensor_reader import Numbers, TensorReader
from rldk_tui.checkpoints.tensors import DType, StoredTensor

_RANK_ROWS, _RANK_COUNT = 256, 4_000_000
"""A matrix whose smaller side is at most this, with at most so many numbers, is as small as an adapter's: its difference is
decomposed, which takes milliseconds."""
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorChange:
    """One tensor in two checkpoints.

    Attributes:
        name, shape: As in both.
        place: What it is for.
        change: Sums over all pairs of numbers; None if either could not be read.
        effective_rank: Of the difference, of matrices as small as an adapter's; None of others. How many directions it took
            (Roy and Vetterli 2007): 1 if all of it is along one.
        problem: Why it could not be compared.
    """

    name: str
    shape: tuple[int, ...]
    place: Place
    change: Change | None
    effective_rank: float | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSummary:
    """Some tensors' change taken together.

    Attributes:
        name: The layer's number, the role's name, or `all`.
        tensors, unchanged_tensors: How many there are, and how many of them did not change at all.
        count: Numbers compared.
        relative: ‖ΔW‖/‖W‖ over all of them; NaN if they were all zero.
        cosine: Of the angle between the two; NaN if either is all zero.
        sign_flips, unchanged: Shares of the numbers.
        largest: The largest |change| of a number.
    """

    name: str
    tensors: int
    unchanged_tensors: int
    count: int
    relative: float
    cosine: float
    sign_flips: float
    unchanged: float
    largest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What changed from one checkpoint to another.

    Attributes:
        before, after: Their folders or files.
        steps: Between them; None if either step is not known.
        tensors: Those that both have with the same shape, in the later one's order.
        only_before, only_after, reshaped: Names of the others.
        total: All weights together.
        layers, roles: The same for each layer and each role's group.
        problems: What is wrong with either's files.
    """

    before: Path
    after: Path
    steps: int | None
    tensors: tuple[TensorChange, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    reshaped: tuple[str, ...]
    total: ChangeSummary
    layers: tuple[ChangeSummary, ...]
    roles: tuple[ChangeSummary, ...]
    problems: tuple[FileProblem, ...]

    @property
    def per_step(self) -> float:
        """‖ΔW‖/‖W‖ of one step, if all steps had gone the same way; NaN if their number is not known."""
        return self.total.relative / abs(self.steps) if self.steps else math.nan


def compare_files(before: CheckpointFiles, after: CheckpointFiles, executor: Executor) -> Iterator[list[TensorChange]]:
    """The change of every tensor that both have, as it comes."""
    return executor.each(changes_of, (before, after), matched(before, after))


def matched(before: CheckpointFiles, after: CheckpointFiles) -> list[StoredTensor]:
    """The weights of the later checkpoint that the earlier one has with the same shape."""
    shapes = {tensor.name: tensor.shape for tensor in before.tensors if tensor.dtype.floating}
    return [tensor for tensor in after.tensors if tensor.dtype.floating and shapes.get(tensor.name) == tensor.shape]


def comparison(before: CheckpointFiles, after: CheckpointFiles, changes: Iterable[TensorChange]) -> Comparison:
    """Everything about two checkpoints whose tensors are compared."""
    order = {tensor.name: place for place, tensor in enumerate(after.tensors)}
    tensors = sorted(changes, key=lambda one: order.get(one.name, 0))
    old, new = ({tensor.name: tensor.shape for tensor in files.tensors} for files in (before, after))
    weights = [one for one in tensors if one.place.role is not Role.BUFFER]
    return Comparison(
        before=before.path,
        after=after.path,
        steps=None if before.step is None or after.step is None else after.step - before.step,
        tensors=tuple(tensors),
        only_before=tuple(sorted(old.keys() - new.keys())),
        only_after=tuple(sorted(new.keys() - old.keys())),
        reshaped=tuple(sorted(name for name in old.keys() & new.keys() if old[name] != new[name])),
        total=change_summary("all", weights),
        layers=tuple(
            change_summary(str(layer), members)
            for layer, members in sorted(_grouped(weights, lambda one: one.place.layer).items(), key=lambda item: item[0] or 0)
            if layer is not None
        ),
        roles=tuple(
            change_summary(group, members) for group, members in _grouped(weights, lambda one: one.place.role.group).items()
        ),
        problems=(*_problems(before), *_problems(after), *_not_compared(after, tensors)),
    )


def _problems(files: CheckpointFiles) -> Iterator[FileProblem]:
    """What is wrong with one of the two, which is named before the file."""
    folder = f"{files.path.name}/" if files.path.is_dir() else ""
    for problem in (*files.problems, *changed_since(files.tensors)):
        yield replace(problem, source=f"{folder}{problem.source}")


def _not_compared(after: CheckpointFiles, changes: Iterable[TensorChange]) -> Iterator[FileProblem]:
    names = [one.name for one in changes if one.problem is not None]
    if names:
        yield of_tensors("unreadable-tensor", after.path.name, names, "could not be read and was not compared", "")


def _grouped(changes: Iterable[TensorChange], key: Callable[[TensorChange], Key]) -> dict[Key, list[TensorChange]]:
    groups: dict[Key, list[TensorChange]] = {}
    for one in changes:
        groups.setdefault(key(one), []).append(one)
    return groups


def changes_of(opened: Opened, names: Names) -> list[TensorChange]:
    """The change of these tensors from the first of the opened checkpoints to the second."""
    before, after = (named_tensors(files, names) for files in opened)
    earlier = {tensor.name: tensor for tensor in before}
    with TensorReader() as reader:
        return [tensor_change(earlier[tensor.name], tensor, reader) for tensor in after if tensor.name in earlier]


def tensor_change(before: StoredTensor, after: StoredTensor, reader: TensorReader) -> TensorChange:
    """One tensor in two checkpoints."""
    facts = {"name": after.name, "shape": after.shape, "place": place_of(after.name)}
    try:
        old, new = reader.numbers(before), reader.numbers(after)
        change = kernels.change(old, before.dtype, new, after.dtype)
        rank = _effective_rank(old, before.dtype, new, after) if change.change_square_sum > 0 else None
    except (OSError, ValueError) as failure:
        return TensorChange(**facts, change=None, problem=str(failure) or type(failure).__name__)  # type: ignore[arg-type]
    return TensorChange(**facts, change=change, effective_rank=rank)  # type: ignore[arg-type]


def _effective_rank(old: Numbers, old_dtype: DType, new: Numbers, after: StoredTensor) -> float | None:
    shape = after.shape
    if len(shape) != 2 or min(shape) > _RANK_ROWS or after.count > _RANK_COUNT or min(shape) == 0:
        return None
    difference = (decode(new[:], after.dtype) - decode(old[:], old_dtype)).reshape(shape)
    return kernels.effective_rank(difference) if np.isfinite(difference).all() else None


def change_summary(name: str, changes: Sequence[TensorChange]) -> ChangeSummary:
    """These tensors' change as one."""
    known = [one.change for one in changes if one.change is not None]
    compared = sum(change.count - change.left_out for change in known)
    moved, was, now, dot = (
        math.fsum(getattr(change, name) for change in known)
        for name in ("change_square_sum", "before_square_sum", "after_square_sum", "dot")
    )
    return ChangeSummary(
        name=name,
        tensors=len(known),
        unchanged_tensors=sum(change.unchanged == change.count for change in known),
        count=compared,
        relative=math.sqrt(moved / was) if was > 0 else math.nan,
        cosine=dot / math.sqrt(was * now) if was > 0 and now > 0 else math.nan,
        sign_flips=sum(change.sign_flips for change in known) / compared if compared else math.nan,
        unchanged=sum(change.unchanged for change in known) / compared if compared else math.nan,
        largest=max((change.largest for change in known), default=math.nan),
    )
