"""Singular values of weight matrices, on demand: these cost far more than a pass.

All work is in float64 on blocks of rows, so that a tensor is never held as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rldk_tui.checkpoints.kernels.formats import decode
from rldk_tui.checkpoints.tensor_reader import Numbers
from rldk_tui.checkpoints.tensors import DType

_BLOCK = 1 << 20
"""Numbers decoded at once: 8 MiB."""
_STEPS, _TOLERANCE = 100, 1e-6
SMALLEST_SIDE = 256
"""A power law is fitted to at least this many eigenvalues; fewer leave the exponent to chance."""
LARGEST_SIDE = 8192
"""The matrix of inner products of a larger one would take more than 512 MiB."""
_SHORTEST_TAIL = 16


def _blocks(numbers: Numbers, dtype: DType, columns: int) -> Iterator[NDArray[np.float64]]:
    """Some whole rows at a time."""
    length = max(1, _BLOCK // max(1, columns)) * columns
    for at in range(0, numbers.size, length):
        yield decode(numbers[at : at + length], dtype).reshape(-1, columns)


def _column_blocks(numbers: Numbers, dtype: DType, rows: int, columns: int) -> Iterator[NDArray[np.float64]]:
    """Some whole columns at a time."""
    width = max(1, _BLOCK // rows)
    for at in range(0, columns, width):
        until = min(columns, at + width)
        yield decode(np.stack([numbers[row * columns + at : row * columns + until] for row in range(rows)]), dtype)


def _times_transpose(numbers: Numbers, dtype: DType, vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """AᵀA times a vector, in one sweep."""
    out = np.zeros(vector.size)
    for block in _blocks(numbers, dtype, vector.size):
        out += block.T @ (block @ vector)
    return out


def spectral_norm(numbers: Numbers, dtype: DType, rows: int, columns: int) -> float:
    """The largest singular value of a matrix, by Lanczos' method on AᵀA.

    The start is the same every time. It stops when the residual is below 1e-6 of the eigenvalue, so the result is within 5e-7
    relative of a singular value, in practice of the largest; or after 100 sweeps, then a lower bound. The vectors kept take
    8 × columns × sweeps bytes. NaN if the matrix is empty or not all of it is finite.
    """
    if not rows * columns:
        return float("nan")
    start = np.random.default_rng(0).standard_normal(columns)
    basis = [start / np.linalg.norm(start)]
    diagonal: list[float] = []
    beside: list[float] = []
    largest = 0.0
    with np.errstate(invalid="ignore", over="ignore"):
        for _ in range(min(_STEPS, rows + 1, columns)):
            image = _times_transpose(numbers, dtype, basis[-1])
            if not np.isfinite(image).all():
                return float("nan")
            diagonal.append(float(basis[-1] @ image))
            for _ in range(2):  # once is not enough where the residual is small
                image -= np.stack(basis).T @ (np.stack(basis) @ image)
            residual = float(np.linalg.norm(image))
            values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
            largest = float(values[-1])
            if residual * abs(float(vectors[-1, -1])) <= _TOLERANCE * largest:
                break
            beside.append(residual)
            basis.append(image / residual)
    return float(np.sqrt(max(0.0, largest)))


def _eigenvalues(numbers: Numbers, dtype: DType, rows: int, columns: int) -> NDArray[np.float64]:
    """Eigenvalues of the inner products of its shorter side, ascending; those that are rounding noise left out."""
    tall, side = rows >= columns, min(rows, columns)
    blocks = _blocks(numbers, dtype, columns) if tall else _column_blocks(numbers, dtype, rows, columns)
    products: NDArray[Any] = np.zeros((side, side))
    for block in blocks:
        products += block.T @ block if tall else block @ block.T
    if not np.isfinite(products).all():
        return np.empty(0)
    values: NDArray[np.float64] = np.linalg.eigvalsh(products)
    noise = values[-1] * side * np.finfo(np.float64).eps
    return np.extract(values > noise, values)


def power_law_alpha(numbers: Numbers, dtype: DType, rows: int, columns: int) -> float:
    """Exponent of the power law in the tail of a matrix's eigenvalue spectrum (Martin and Mahoney, arXiv 1810.01075).

    The tail begins where the Kolmogorov-Smirnov distance of the fit is smallest, and the exponent is the maximum likelihood
    one (Clauset, Shalizi and Newman, arXiv 0706.1062). NaN for matrices whose shorter side is below 256 or above 8,192, and
    for those with a number that is not finite.
    """
    if not SMALLEST_SIDE <= min(rows, columns) <= LARGEST_SIDE:
        return float("nan")
    with np.errstate(invalid="ignore", over="ignore"):
        values = _eigenvalues(numbers, dtype, rows, columns)
    logs = np.log(values)
    best, alpha = np.inf, float("nan")
    for at in range(logs.size - _SHORTEST_TAIL):
        tail = logs[at:] - logs[at]
        mean = float(tail.mean())
        if mean <= 0:
            continue
        exponent = 1 / mean
        distance = float(np.abs(1 - np.exp(-exponent * tail) - np.arange(tail.size) / tail.size).max())
        if distance < best:
            best, alpha = distance, 1 + exponent
    return alpha


def effective_rank(matrix: NDArray[np.float64]) -> float:
    """How many directions a matrix has: exp of the entropy of its normalised singular values (Roy and Vetterli 2007).

    Between 1 and the rank. NaN if it is empty, all zero, or not all of it is finite.
    """
    if not matrix.size or not np.isfinite(matrix).all() or not matrix.any():
        return float("nan")
    values = np.linalg.svd(matrix / np.abs(matrix).max(), compute_uv=False)
    share = values[values > 0] / values.sum()
    return float(np.exp(-(share * np.log(share)).sum()))
