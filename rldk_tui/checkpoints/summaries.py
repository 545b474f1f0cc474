"""Many tensors in one line: per layer, per role, and all together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from rldk_tui.checkpoints.statistics import Moments
from rldk_tui.checkpoints.survey import TensorStatistics

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Some weights of a checkpoint taken together; buffers and whole numbers are left out.

    Attributes:
        name: The layer's number, the role's name, or `all`.
        tensors, count: How many tensors, and numbers in them.
        nonfinite, zeros, outliers: How many numbers are NaN or infinite, are zero, lie far from their tensor's mean.
        minimum, maximum, mean, std, norm, rms: Over all their finite numbers; NaN without any.
        dead_rows, dead_columns: Of the matrices among them.
    """

    name: str
    tensors: int
    count: int
    nonfinite: int
    zeros: int
    outliers: int
    minimum: float
    maximum: float
    mean: float
    std: float
    norm: float
    rms: float
    dead_rows: int
    dead_columns: int


def by_layer(tensors: Iterable[TensorStatistics]) -> tuple[Summary, ...]:
    """One for each layer, in their order; tensors outside the layers are left out."""
    layers = _grouped((one for one in tensors if one.place.layer is not None), lambda one: one.place.layer or 0)
    return tuple(summary(str(layer), layers[layer]) for layer in sorted(layers))


def by_role(tensors: Iterable[TensorStatistics]) -> tuple[Summary, ...]:
    """One for each role's group, in the order of their first tensor."""
    groups = _grouped(tensors, lambda one: one.place.role.group)
    return tuple(summary(group, members) for group, members in groups.items())


def _grouped(tensors: Iterable[TensorStatistics], key: Callable[[TensorStatistics], Key]) -> dict[Key, list[TensorStatistics]]:
    groups: dict[Key, list[TensorStatistics]] = {}
    for one in tensors:
        if one.is_weight and one.moments is not None:
            groups.setdefault(key(one), []).append(one)
    return groups


def summary(name: str, tensors: Iterable[TensorStatistics]) -> Summary:
    """These weights as one: sums are added, so that means and deviations are those of all numbers."""
    known = [(one, one.moments) for one in tensors if one.is_weight and one.moments is not None]
    moments = [measured for _, measured in known]
    finite = [(measured, measured.count - measured.nan - measured.inf) for measured in moments]
    finite = [(measured, numbers) for measured, numbers in finite if numbers]
    total = sum(numbers for _, numbers in finite)
    mean = math.fsum(measured.mean * numbers for measured, numbers in finite) / total if total else math.nan
    return Summary(
        name=name,
        tensors=len(known),
        count=sum(measured.count for measured in moments),
        nonfinite=sum(one.nonfinite for one, _ in known),
        zeros=sum(measured.zeros for measured in moments),
        outliers=sum(measured.outliers or 0 for measured in moments),
        minimum=min((measured.minimum for measured, _ in finite), default=math.nan),
        maximum=max((measured.maximum for measured, _ in finite), default=math.nan),
        mean=mean,
        std=math.sqrt(_variance(finite, mean, total)) if total else math.nan,
        norm=math.sqrt(math.fsum(measured.square_sum for measured in moments)),
        rms=math.sqrt(math.fsum(measured.square_sum for measured in moments) / total) if total else math.nan,
        dead_rows=sum(one.dead_rows or 0 for one, _ in known),
        dead_columns=sum(one.dead_columns or 0 for one, _ in known),
    )


def _variance(finite: list[tuple[Moments, int]], mean: float, total: int) -> float:
    """Of all numbers: within the tensors and between them."""
    return math.fsum(numbers * (measured.std**2 + (measured.mean - mean) ** 2) for measured, numbers in finite) / total
