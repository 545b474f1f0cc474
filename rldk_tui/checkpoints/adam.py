"""What Adam's moments tell: whether its ε decides instead of the gradients, and how large its largest step is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rldk_tui.checkpoints.figures import MOST_NAMES, Figure
from rldk_tui.checkpoints.kernels.formats import decode
from rldk_tui.checkpoints.optimizer_state import OptimizerState, ParameterState
from rldk_tui.checkpoints.tensor_reader import TensorReader
from rldk_tui.checkpoints.tensors import StoredTensor

BELOW, STEP = "checkpoint/adam_below_epsilon", "checkpoint/adam_largest_step"
_BLOCK = 1 << 17
"""Numbers that are looked at at a time, so that all that is made of them stays in the cache."""


@dataclass(frozen=True, slots=True)
class _Found:
    """Of one parameter: weights that had a gradient, those of them below ε, the largest step in learning rates."""

    index: int
    trained: int
    below: int
    step: float


def adam_figures(optimizer: OptimizerState) -> dict[str, Figure]:
    """The figures of a saved optimizer of Adam's kind; none of another one. What cannot be read is left out."""
    found = list(_parameters(optimizer))
    trained = sum(one.trained for one in found)
    if not trained:
        return {}
    below = sorted((one for one in found if one.below), key=lambda one: -one.below)
    steps = sorted((one for one in found if one.trained), key=lambda one: -one.step)
    return {
        BELOW: Figure(sum(one.below for one in below) / trained, _names(below)),
        STEP: Figure(steps[0].step, _names(steps[:1])),
    }


def _names(found: list[_Found]) -> tuple[str, ...]:
    """An optimizer knows its parameters by number alone."""
    return tuple(f"optimizer parameter {one.index}" for one in found[:MOST_NAMES])


def _parameters(optimizer: OptimizerState) -> Iterator[_Found]:
    groups = {index: group for group in optimizer.groups for index in group.params}
    with TensorReader() as reader:
        for parameter in optimizer.parameters:
            group = groups.get(parameter.index)
            if group is not None and group.eps is not None and group.betas is not None and parameter.step:
                try:
                    found = _moments(parameter, group.betas, group.eps, reader)
                except (OSError, ValueError):
                    continue  # the file was replaced: its weights' analysis says so
                if found is not None:
                    yield found


def _moments(parameter: ParameterState, betas: tuple[float, float], epsilon: float, reader: TensorReader) -> _Found | None:
    first, second, step = parameter.exp_avg, parameter.exp_avg_sq, parameter.step or 0.0
    if first is None or second is None or first.shape != second.shape or not first.count:
        return None
    one, two = (1.0 - beta**step for beta in betas)  # Kingma and Ba 2015, algorithm 1
    if not (one > 0.0 and two > 0.0):
        return None
    trained = below = 0
    largest = 0.0
    for mean, square in _blocks(first, second, reader):
        rows = square.any(axis=1)
        root = np.sqrt(square[rows] / two)
        trained += root.size
        below += int(np.count_nonzero(root < epsilon))
        with np.errstate(invalid="ignore"):
            steps = np.abs(mean[rows] / one) / (root + epsilon)
        largest = max(largest, float(np.max(steps[np.isfinite(steps)], initial=0.0)))
    return _Found(parameter.index, trained, below, largest)


def _blocks(
    first: StoredTensor, second: StoredTensor, reader: TensorReader
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Both moments, some whole rows at a time; NaN and what is negative is taken as no gradient at all."""
    means, squares = reader.numbers(first), reader.numbers(second)
    columns = first.count // first.rows
    rows = max(1, _BLOCK // columns)
    for top in range(0, first.rows, rows):
        part = slice(top * columns, min(first.rows, top + rows) * columns)
        mean, square = decode(means[part], first.dtype), decode(squares[part], second.dtype)
        square = np.where(np.isfinite(square) & (square > 0), square, 0.0)
        yield mean.reshape(-1, columns), square.reshape(-1, columns)
