"""Everything measured on one tensor, from one pass over its numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rldk_tui.checkpoints import kernels
from rldk_tui.checkpoints.kernels.formats import decode
from rldk_tui.checkpoints.limits import SPECTRAL_SMALLEST
from rldk_tui.checkpoints.roles import Place, Role, place_of
from rldk_tui.checkpoints.statistics import Moments
from rldk_tui.checkpoints.tensor_reader import Numbers, TensorReader
from rldk_tui.checkpoints.tensors import DType, StoredTensor
from rldk_tui.checkpoints.trace import TensorTrace, dead_rows, sample_positions, trace_of

_NOTHING = np.empty(0, np.float32)


@dataclass(frozen=True, slots=True)
class Task:
    """How a tensor is to be measured.

    Attributes:
        spectral: Whether the largest singular value and the tail of the spectrum are measured too, which takes many passes.
        samples: Numbers to keep of each tensor.
    """

    spectral: bool
    samples: int


@dataclass(frozen=True, slots=True)
class TensorStatistics:
    """One tensor of a checkpoint, measured.

    Attributes:
        name, dtype, shape, source: As it is stored.
        place: What it is for.
        moments: Without the sums of rows and columns; None if it could not be read.
        dead_rows, dead_columns: Of a matrix; None for what is no matrix or holds a number that is not finite.
        largest_singular: σ of the matrix; NaN if not measured.
        power_law_alpha: Exponent of the tail of the spectrum; NaN if not measured.
        trace: What later checkpoints are compared with; None for whole numbers, buffers and what could not be read.
        problem: Why it could not be read.
    """

    name: str
    dtype: DType
    shape: tuple[int, ...]
    source: str
    place: Place
    moments: Moments | None
    dead_rows: int | None = None
    dead_columns: int | None = None
    largest_singular: float = math.nan
    power_law_alpha: float = math.nan
    trace: TensorTrace | None = None
    problem: str | None = None

    @property
    def is_weight(self) -> bool:
        """Whether it is judged: floating numbers that are no buffer."""
        return self.dtype.floating and self.place.role is not Role.BUFFER

    @property
    def nonfinite(self) -> int:
        """Numbers that are NaN or infinite."""
        return 0 if self.moments is None else self.moments.nan + self.moments.inf

    @property
    def count(self) -> int:
        """All its numbers."""
        return math.prod(self.shape)


def survey(tensors: Iterable[StoredTensor], task: Task) -> list[TensorStatistics]:
    """Measure these, one after the other. A tensor that cannot be read is told as such."""
    with TensorReader() as reader:
        return [measure(tensor, task, reader) for tensor in tensors]


def measure(tensor: StoredTensor, task: Task, reader: TensorReader) -> TensorStatistics:
    """Measure one tensor."""
    place = place_of(tensor.name)
    weight = tensor.dtype.floating and place.role is not Role.BUFFER
    singular = alpha = math.nan
    samples = _NOTHING
    try:
        numbers = reader.numbers(tensor)
        moments = kernels.moments(numbers, tensor.dtype, tensor.rows)
        if weight:
            samples = _samples(numbers, tensor.dtype, task.samples)
        if weight and task.spectral:
            singular, alpha = _spectrum(numbers, tensor)
    except (OSError, ValueError) as failure:
        problem = str(failure) or type(failure).__name__
        return TensorStatistics(tensor.name, tensor.dtype, tensor.shape, tensor.source, place, None, problem=problem)
    trace = trace_of(tensor.shape, moments, samples, singular) if weight else None
    return TensorStatistics(
        tensor.name,
        tensor.dtype,
        tensor.shape,
        tensor.source,
        place,
        moments.without_lines(),
        dead_rows=None if trace is None or trace.dead is None else int(np.count_nonzero(trace.dead)),
        dead_columns=_dead_columns(tensor, moments) if weight else None,
        largest_singular=singular,
        power_law_alpha=alpha,
        trace=trace,
    )


def _samples(numbers: Numbers, dtype: DType, samples: int) -> NDArray[np.float32]:
    some = numbers[:] if numbers.size <= samples else numbers[sample_positions(numbers.size, samples)]
    if dtype is DType.F32:
        return some.astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):  # a float64 beyond float32 is infinite there: it is left out later
        return decode(some, dtype).astype(np.float32)


def _dead_columns(tensor: StoredTensor, moments: Moments) -> int | None:
    """Of a matrix whose numbers are all finite: a column of NaN is not dead, and its sum is that of nothing."""
    sums = moments.column_square_sums
    if sums is None or len(tensor.shape) < 2 or moments.nan + moments.inf:
        return None
    return int(np.count_nonzero(dead_rows(sums)))


def _spectrum(numbers: Numbers, tensor: StoredTensor) -> tuple[float, float]:
    """σ and α of a matrix that is large enough to be judged; NaN of any other tensor."""
    if len(tensor.shape) != 2 or min(tensor.shape) < SPECTRAL_SMALLEST:
        return math.nan, math.nan
    rows, columns = tensor.shape
    singular = kernels.spectral_norm(numbers, tensor.dtype, rows, columns)
    return singular, kernels.power_law_alpha(numbers, tensor.dtype, rows, columns)
