"""Everything measured on one tensor, from one pass over its numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rldk_tui.checkpoints import kernels
from rldk_tui.checkpoints.kernels.formats import decode
from rldk_tui.checkpoints.limits import SPECTRAL_SMALLEST
from rldk_tui.checkpoints.roles import Place, Role, place_of
from rldk_tui.checkpoints.statistics import Moments
from rldk_tui.checkpoints.tensors import DType, StoredTensor
from rldk_tui.checkpoints.trace import TensorTrace, dead_rows, sample_positions, trace_of


@dataclass(frozen=True, slots=True)
class Task:
    """How a tensor is to be measured.

    Attributes:
        spectral: Whether the largest singular value and the tail of the spectrum are measured too, which takes many passes.
        samples: Numbers to keep of each tensor.
    """

    spectral: bool
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
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
    return [measure(tensor, task) for tensor in tensors]


def measure(tensor: StoredTensor, task: Task) -> TensorStatistics:
    """Measure one tensor."""
    facts = TensorStatistics(
        name=tensor.name,
        dtype=tensor.dtype,
        shape=tensor.shape,
        source=tensor.source,
        place=place_of(tensor.name),
        moments=None,
    )
    try:
        numbers = tensor.numbers()
        moments = kernels.moments(numbers, tensor.dtype, tensor.rows)
        if not facts.is_weight:
            return replace(facts, moments=_without_sums(moments))
        samples = _samples(numbers, tensor.dtype, task.samples)
        singular, alpha = _spectrum(numbers, tensor) if task.spectral else (math.nan, math.nan)
    except (OSError, ValueError) as failure:
        return replace(facts, problem=str(failure) or type(failure).__name__)
    stable_rank = moments.square_sum / singular**2 if singular > 0 else math.nan
    trace = trace_of(tensor.shape, moments, samples)
    return replace(
        facts,
        moments=_without_sums(moments),
        dead_rows=None if trace.dead is None else int(trace.dead.sum()),
        dead_columns=_dead_columns(tensor, moments),
        largest_singular=singular,
        power_law_alpha=alpha,
        trace=replace(trace, largest_singular=singular, stable_rank=stable_rank),
    )


def _without_sums(moments: Moments) -> Moments:
    """The sums of rows and columns are as many as the hidden dimensions together: they are not kept."""
    return replace(moments, row_square_sums=None, column_square_sums=None)


def _samples(numbers: NDArray[np.generic], dtype: DType, samples: int) -> NDArray[np.float32]:
    some = numbers[sample_positions(numbers.size, samples)]
    with np.errstate(over="ignore", invalid="ignore"):  # a float64 beyond float32 is infinite there: it is left out later
        return decode(some, dtype).astype(np.float32)


def _dead_columns(tensor: StoredTensor, moments: Moments) -> int | None:
    """Of a matrix whose numbers are all finite: a column of NaN is not dead, and its sum is that of nothing."""
    sums = moments.column_square_sums
    if sums is None or len(tensor.shape) < 2 or moments.nan + moments.inf:
        return None
    return int(dead_rows(sums).sum())


def _spectrum(numbers: NDArray[np.generic], tensor: StoredTensor) -> tuple[float, float]:
    """σ and α of a matrix that is large enough to be judged; NaN of any other tensor."""
    if len(tensor.shape) != 2 or min(tensor.shape) < SPECTRAL_SMALLEST:
        return math.nan, math.nan
    rows, columns = tensor.shape
    singular = kernels.spectral_norm(numbers, tensor.dtype, rows, columns)
    return singular, kernels.power_law_alpha(numbers, tensor.dtype, rows, columns)
