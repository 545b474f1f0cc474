"""What is kept of a tensor when its file is gone: enough to say later whether, and about how far, it moved.

The Trainer deletes old checkpoints (`save_total_limit`), so a change cannot be had from two files. A trace holds some
thousand of the tensor's numbers, always the same ones, and a digest of its statistics. An equal digest and the same norm
mean the same tensor; else the sampled numbers tell the relative change, within a few percent of it (the root mean square of
4096 samples has a relative error of about 1/√8192). A tensor of fewer numbers is kept whole, and its change is exact.
"""

from __future__ import annotations

import hashlib
import math
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rldk_tui.checkpoints.limits import DEAD_ROW
from rldk_tui.checkpoints.statistics import Moments

SAMPLES = 4096
"""Numbers that are kept of a tensor at most."""
ALL_SAMPLES = 4_000_000
"""Numbers that are kept of a checkpoint: 16 MB, whatever the number of its tensors."""
FEWEST_SAMPLES = 16
_SAME_SUM = 1e-11
"""Relative: sums of the same numbers in another order differ by less. One number of 1e8 that moved by a percent makes more."""
_DIGESTED = struct.Struct("=4q2d")
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorTrace:
    """What is kept of one tensor.

    Attributes:
        shape: Its dimensions.
        square_sum: Sum of the squares of its finite numbers.
        digest: Of its counts, its extremes and its samples, which do not depend on how the sums were made.
        samples: shape (k,), float32: its numbers at `sample_positions(count, k)`, NaN and infinities included.
        dead: shape (rows,), which rows of a matrix are dead; None for what is no matrix or not finite.
        largest: The largest |number|; NaN without a finite one.
        largest_singular: Of the matrix; NaN if not measured.
        stable_rank: ‖W‖²/σ²; NaN if not measured.
    """

    shape: tuple[int, ...]
    square_sum: float
    digest: str
    samples: NDArray[np.float32]
    dead: NDArray[np.bool_] | None
    largest: float
    largest_singular: float = math.nan
    stable_rank: float = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """How far a tensor moved, from two traces of it.

    Attributes:
        relative: ‖ΔW‖/‖W‖; 0 only if not one number changed; NaN if it was all zero or cannot be told.
        square_change, square_before: Estimates of ‖ΔW‖² and ‖W‖², to be added up over tensors.
        cosine: Of the angle between the two; NaN where it cannot be told.
        sign_flips: Share of the numbers that changed their sign.
        grown_from_zero: Whether every number was zero before, and is not now.
    """

    relative: float
    square_change: float
    square_before: float
    cosine: float
    sign_flips: float
    grown_from_zero: bool = False


def samples_a_tensor(tensors: int) -> int:
    """How many numbers are kept of each of so many tensors."""
    return max(FEWEST_SAMPLES, min(SAMPLES, ALL_SAMPLES // max(1, tensors)))


def sample_positions(count: int, samples: int) -> NDArray[np.int64]:
    """Where in a flat tensor the kept numbers stand, rising.

    All of them in a small tensor; else multiples of the golden ratio modulo 1, which fall evenly and into no column of a
    matrix more than into another.
    """
    if count <= samples:
        return np.arange(count, dtype=np.int64)
    fractions = np.modf(np.arange(1, samples + 1) * _GOLDEN)[0]
    return np.sort((fractions * count).astype(np.int64))


def dead_rows(square_sums: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Rows (or columns) whose norm is below a millionth of the median's; every one that is zero."""
    middle = square_sums.size // 2
    if not middle:
        return square_sums <= 0.0
    ordered = square_sums.copy()
    ordered.partition(middle)  # np.median costs ten times as much for the few rows that most tensors have
    dead: NDArray[np.bool_] = square_sums <= DEAD_ROW**2 * ordered[middle]
    return dead


def trace_of(shape: tuple[int, ...], moments: Moments, samples: NDArray[np.float32], singular: float = math.nan) -> TensorTrace:
    """The trace of a tensor whose sums are still at hand; `singular` is its largest singular value, if that was measured."""
    rows = moments.row_square_sums
    counts = (moments.count, moments.nan, moments.inf, moments.zeros)
    digest = hashlib.blake2b(_DIGESTED.pack(*counts, moments.minimum, moments.maximum), digest_size=16)
    digest.update(samples.tobytes())
    return TensorTrace(
        shape=shape,
        square_sum=moments.square_sum,
        digest=digest.hexdigest(),
        samples=samples,
        largest=max(abs(moments.minimum), abs(moments.maximum)),
        dead=dead_rows(rows) if rows is not None and len(shape) > 1 and not moments.nan + moments.inf else None,
        largest_singular=singular,
        stable_rank=moments.square_sum / singular**2 if singular > 0 else math.nan,
    )


def movement(before: TensorTrace, after: TensorTrace) -> Movement | None:
    """How far it moved from one trace to the other; None if they are not of the same tensor (its shape changed)."""
    if before.shape != after.shape or before.samples.size != after.samples.size:
        return None
    if before.digest == after.digest and math.isclose(before.square_sum, after.square_sum, rel_tol=_SAME_SUM):
        nothing = math.nan if before.square_sum == 0 else 0.0
        return Movement(
            relative=nothing,
            square_change=0.0,
            square_before=before.square_sum,
            cosine=math.nan if before.square_sum == 0 else 1.0,
            sign_flips=0.0,
        )
    old, new = before.samples.astype(np.float64), after.samples.astype(np.float64)
    finite = np.isfinite(old) & np.isfinite(new)
    old, new = old[finite], new[finite]
    change, was, now = (float(np.square(numbers).sum()) for numbers in (new - old, old, new))
    told = change > 0 and was > 0  # the digest says that it moved: samples that do not say how far say nothing
    relative = math.sqrt(change / was) if told else math.nan
    return Movement(
        relative=relative,
        square_change=relative**2 * before.square_sum if told else after.square_sum if before.square_sum == 0 else math.nan,
        square_before=before.square_sum,
        cosine=float(old @ new) / math.sqrt(was * now) if was > 0 and now > 0 else math.nan,
        sign_flips=float(np.mean(old * new < 0)) if old.size else math.nan,
        grown_from_zero=before.square_sum == 0 and after.square_sum > 0,
    )
