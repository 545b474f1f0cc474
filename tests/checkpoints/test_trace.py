"""What is kept of a tensor says whether, and about how far, it moved."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rldk_tui.checkpoints.kernels import moments
from rldk_tui.checkpoints.tensors import DType
from rldk_tui.checkpoints.trace import SAMPLES, TensorTrace, dead_rows, movement, sample_positions, trace_of


def trace(array: NDArray[np.float32], samples: int = SAMPLES) -> TensorTrace:
    flat = array.ravel()
    rows = array.shape[0] if array.ndim > 1 else 1
    return trace_of(array.shape, moments(flat, DType.F32, rows), flat[sample_positions(flat.size, samples)])


@given(st.integers(0, 10**9), st.integers(1, SAMPLES))
def test_positions_lie_within_the_tensor_and_rise(count: int, samples: int) -> None:
    positions = sample_positions(count, samples)
    assert positions.size == min(count, samples)
    assert (np.diff(positions) >= 0).all()
    assert not positions.size or (positions[0] >= 0 and positions[-1] < count)


def test_a_large_tensors_change_is_told_within_a_few_percent() -> None:
    draw = np.random.default_rng(0)
    before = draw.normal(0, 0.02, (1000, 700)).astype(np.float32)
    after = before + draw.normal(0, 1e-4, before.shape).astype(np.float32)
    moved = movement(trace(before), trace(after))
    truth = np.linalg.norm(after - before) / np.linalg.norm(before)
    assert moved is not None
    assert moved.relative == pytest.approx(truth, rel=0.05)
    assert moved.cosine == pytest.approx(1.0, abs=1e-4)


def test_a_small_tensors_change_is_exact() -> None:
    before, after = np.array([3.0, 4.0], np.float32), np.array([3.0, -4.0], np.float32)
    moved = movement(trace(before), trace(after))
    assert moved is not None
    assert (moved.relative, moved.sign_flips) == (8 / 5, 0.5)


def test_the_same_tensor_did_not_move() -> None:
    same = np.random.default_rng(0).normal(size=(300, 300)).astype(np.float32)
    moved = movement(trace(same), trace(same.copy()))
    assert moved is not None
    assert (moved.relative, moved.cosine, moved.sign_flips) == (0.0, 1.0, 0.0)


def test_a_change_that_no_sample_saw_is_not_called_none() -> None:
    before = np.ones((1000, 1000), np.float32)
    after = before.copy()
    unseen = np.setdiff1d(np.arange(before.size), sample_positions(before.size, SAMPLES))[0]
    after.ravel()[unseen] = 5.0
    moved = movement(trace(before), trace(after))
    assert moved is not None
    assert math.isnan(moved.relative)


def test_what_was_zero_has_grown_and_not_by_a_share() -> None:
    moved = movement(trace(np.zeros((8, 4), np.float32)), trace(np.ones((8, 4), np.float32)))
    assert moved is not None
    assert moved.grown_from_zero
    assert math.isnan(moved.relative)


def test_another_shape_is_another_tensor() -> None:
    assert movement(trace(np.ones((8, 4), np.float32)), trace(np.ones((4, 8), np.float32))) is None


def test_numbers_that_are_not_finite_are_left_out_of_the_change() -> None:
    before, after = np.ones((4, 4), np.float32), np.full((4, 4), 2.0, np.float32)
    after[0, 0] = np.nan
    moved = movement(trace(before), trace(after))
    assert moved is not None
    assert moved.relative == pytest.approx(1.0)


def test_dead_rows_are_a_millionth_of_the_median() -> None:
    norms = np.array([1.0, 1.0, 1.0, 1.0, 1.1e-6, 0.9e-6, 0.0])
    assert dead_rows(norms**2).tolist() == [False, False, False, False, False, True, True]
    assert dead_rows(np.zeros(3)).all()
