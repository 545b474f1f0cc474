"""What an optimizer and its learning rate scheduler had reached when they were saved (optimizer.pt, scheduler.pt)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rldk_tui.checkpoints.file_problem import FileProblem
from rldk_tui.checkpoints.numbers import number
from rldk_tui.checkpoints.tensor_reader import TensorReader
from rldk_tui.checkpoints.tensors import StoredTensor
from rldk_tui.checkpoints.torch_file import TorchFile, load_torch_file

_ADVICE = "It is not needed to judge the weights; to resume from this checkpoint, save it again with the Trainer."


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterState:
    """What Adam keeps of one parameter.

    Attributes:
        index: Of the parameter, as the groups name it.
        step: Updates it has had; None if not kept.
        exp_avg, exp_avg_sq: Its first and second moment, of the parameter's shape; None if not kept (another optimizer).
    """

    index: int
    step: float | None = None
    exp_avg: StoredTensor | None = None
    exp_avg_sq: StoredTensor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterGroup:
    """Parameters that share their settings; a setting is None where the optimizer has none of that name.

    Attributes:
        params: Indexes of its parameters.
        lr: The rate of the next update.
        initial_lr: The rate that the scheduler scales.
        betas, eps, weight_decay: Of Adam.
    """

    params: tuple[int, ...]
    lr: float | None = None
    initial_lr: float | None = None
    betas: tuple[float, float] | None = None
    eps: float | None = None
    weight_decay: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerState:
    """A saved optimizer.

    Attributes:
        parameters: Those it keeps something of, in the order of the file.
        groups: All groups.
        step: Updates of the parameter that has had the most; None if not kept.
        problems: Tensors of it that could not be placed.
    """

    parameters: tuple[ParameterState, ...]
    groups: tuple[ParameterGroup, ...]
    step: float | None = None
    problems: tuple[FileProblem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerState:
    """A saved learning rate scheduler.

    Attributes:
        last_epoch: Times it has been stepped, whatever its name says; None if not kept.
        last_lr: The rate of every group after the last of them.
        base_lrs: What it scales, of every group.
        follows_metric: Whether it watches a metric (ReduceLROnPlateau) instead of counting steps.
    """

    last_epoch: int | None = None
    last_lr: tuple[float, ...] = ()
    base_lrs: tuple[float, ...] = ()
    follows_metric: bool = False


def load_optimizer(path: Path) -> OptimizerState | FileProblem:
    """A saved optimizer, its moments as they lie in the file; or why it was not read. Imports torch."""
    file = load_torch_file(path, path.name)
    if isinstance(file, FileProblem):
        return replace(file, advice=_ADVICE)
    content = file.content if isinstance(file.content, Mapping) else {}
    state, groups = content.get("state"), content.get("param_groups")
    if not isinstance(state, Mapping) or not isinstance(groups, list):
        return FileProblem("unknown-optimizer", path.name, "It has no `state` and `param_groups`, as torch's have.", _ADVICE)
    try:
        with TensorReader() as reader:
            parameters = tuple(_parameter(index, kept, reader) for index, kept in state.items() if isinstance(kept, Mapping))
            described = tuple(_group(group, reader) for group in groups if isinstance(group, Mapping))
    except (OSError, ValueError):
        return FileProblem("changed-while-read", path.name, "The file changed while it was read.", "Look again later.")
    return OptimizerState(
        parameters=parameters,
        groups=described,
        step=max((one.step for one in parameters if one.step is not None), default=None),
        problems=file.problems,
    )


def load_scheduler(path: Path) -> SchedulerState | FileProblem:
    """A saved scheduler, or why it was not read. Imports torch."""
    file: TorchFile | FileProblem = load_torch_file(path, path.name)
    if isinstance(file, FileProblem):
        return replace(file, advice=_ADVICE)
    if not isinstance(file.content, Mapping):
        return FileProblem("unknown-scheduler", path.name, "It is not the state of a torch scheduler.", _ADVICE)
    content = file.content
    reached = number(content.get("last_epoch"))
    return SchedulerState(
        last_epoch=None if reached is None else int(reached),
        last_lr=_numbers(content.get("_last_lr")),
        base_lrs=_numbers(content.get("base_lrs")),
        follows_metric="num_bad_epochs" in content,
    )


def _numbers(value: object) -> tuple[float, ...]:
    listed = value if isinstance(value, list) else []
    return tuple(found for found in map(number, listed) if found is not None)


def _scalar(value: object, reader: TensorReader) -> float | None:
    """A number that may be saved as a tensor, as Adam's step is."""
    if isinstance(value, StoredTensor):
        known = value.count == 1 and value.dtype.storage.kind in "fi"
        return number(reader.numbers(value)[:].item()) if known else None
    return number(value)


def _parameter(index: object, kept: Mapping[object, object], reader: TensorReader) -> ParameterState:
    first, second = kept.get("exp_avg"), kept.get("exp_avg_sq")
    return ParameterState(
        index=index if isinstance(index, int) else -1,
        step=_scalar(kept.get("step"), reader),
        exp_avg=first if isinstance(first, StoredTensor) else None,
        exp_avg_sq=second if isinstance(second, StoredTensor) else None,
    )


def _group(group: Mapping[object, object], reader: TensorReader) -> ParameterGroup:
    betas, params = _numbers(group.get("betas")), group.get("params")
    return ParameterGroup(
        params=tuple(index for index in params if isinstance(index, int)) if isinstance(params, list) else (),
        lr=_scalar(group.get("lr"), reader),
        initial_lr=_scalar(group.get("initial_lr"), reader),
        betas=(betas[0], betas[1]) if len(betas) == 2 else None,
        eps=number(group.get("eps")),
        weight_decay=number(group.get("weight_decay")),
    )
