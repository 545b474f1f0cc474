"""Singular values against a full decomposition."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rldk_tui.checkpoints.kernels import backend, effective_rank, power_law_alpha, spectral_norm
from rldk_tui.checkpoints.tensors import DType
from rldk_tui.errors import UserError


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (16, 700), (700, 16), (300, 300)])
def test_the_spectral_norm_is_the_largest_singular_value(shape: tuple[int, int]) -> None:
    matrix = np.random.default_rng(0).standard_normal(shape)
    found = spectral_norm(matrix.ravel(), DType.F64, *shape)
    assert found == pytest.approx(np.linalg.norm(matrix, 2), rel=1e-6)
    assert found == spectral_norm(matrix.ravel(), DType.F64, *shape)


def test_what_has_no_spectrum_is_not_measured() -> None:
    assert spectral_norm(np.zeros(12, np.float32), DType.F32, 3, 4) == 0
    assert math.isnan(spectral_norm(np.empty(0, np.float32), DType.F32, 0, 4))
    assert math.isnan(spectral_norm(np.array([1, np.nan], np.float32), DType.F32, 1, 2))
    assert math.isnan(power_law_alpha(np.ones(100, np.float32), DType.F32, 10, 10))
    assert math.isnan(power_law_alpha(np.full(256 * 300, np.inf, np.float32), DType.F32, 256, 300))
    assert math.isnan(effective_rank(np.zeros((3, 3))))


@pytest.mark.parametrize("turned", [False, True])
def test_the_exponent_of_a_power_law_comes_back(turned: bool) -> None:
    rng = np.random.default_rng(1)
    left, _ = np.linalg.qr(rng.standard_normal((700, 600)))
    right, _ = np.linalg.qr(rng.standard_normal((600, 600)))
    eigenvalues = (1 - rng.random(600)) ** (-1 / 2)  # density falls with the power 3
    matrix = left * np.sqrt(eigenvalues) @ right
    matrix = matrix.T.copy() if turned else matrix
    assert power_law_alpha(matrix.ravel(), DType.F64, *matrix.shape) == pytest.approx(3, abs=0.3)


def test_the_effective_rank_counts_directions() -> None:
    rng = np.random.default_rng(2)
    assert effective_rank(np.eye(8)) == pytest.approx(8)
    assert effective_rank(np.outer(rng.random(50), rng.random(40))) == pytest.approx(1, abs=1e-6)


def test_the_environment_chooses_the_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RLDK_KERNELS", "numpy")
    assert backend() == "numpy"
    monkeypatch.setenv("RLDK_KERNELS", "fortran")
    with pytest.raises(UserError, match="fortran"):
        backend()
