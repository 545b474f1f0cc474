"""One pass gives every statistic: against float64 references that take as many passes as they like."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rldk_tui.checkpoints.kernels import change, decode, moments, passes
from rldk_tui.checkpoints.statistics import OUTLIER_STDS, Moments
from rldk_tui.checkpoints.tensors import DType

FLOATING = [dtype for dtype in DType if dtype.floating]
WHOLE = [dtype for dtype in DType if not dtype.floating]
MIXED = [(DType.F32, DType.BF16), (DType.BF16, DType.F32), (DType.F16, DType.BF16)]
PAIRS = [*((dtype, dtype) for dtype in FLOATING), *MIXED]
"""Each costs a compilation: the ones that occur."""
BACKENDS = ["numba", "numpy"]
SHAPES = [(1, 1), (1, 5000), (5000, 1), (3, 7), (37, 2053), (1030, 3), (4, 2048), (9, 4100), (600, 600)]

pytestmark = pytest.mark.filterwarnings("error")


def stored(values: NDArray[np.float64], dtype: DType) -> NDArray[Any]:
    """Values in a storage format, rounded towards zero where NumPy does not know it."""
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        if dtype is DType.BF16:
            return (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
        if dtype is DType.F8_E5M2:
            return (values.astype(np.float16).view(np.uint16) >> 8).astype(np.uint8)
        if dtype is DType.F8_E4M3:
            return ((np.abs(values) * 16).clip(0, 0x7E).astype(np.uint8) | (values < 0).astype(np.uint8) << 7).astype(np.uint8)
        return values.astype(dtype.storage)


def raw(seed: int, count: int, dtype: DType) -> NDArray[np.generic]:
    """Any bits at all: NaN of every kind, infinities, subnormal numbers."""
    return np.random.default_rng(seed).integers(0, 256, count * dtype.storage.itemsize, np.uint8).view(dtype.storage)


def close(left: float, right: float, scale: float = 0.0) -> bool:
    return bool(np.isclose(left, right, rtol=1e-6, atol=1e-6 * scale, equal_nan=True))


def check(found: Moments, numbers: NDArray[np.generic], dtype: DType, rows: int) -> None:
    """Against the definitions."""
    values = decode(numbers, dtype)
    finite = values[np.isfinite(values)]
    assert (found.count, found.nan, found.inf) == (values.size, np.isnan(values).sum(), np.isinf(values).sum())
    assert found.zeros == (values == 0).sum()
    if not finite.size:
        assert np.isnan([found.minimum, found.maximum, found.mean, found.std]).all()
        return
    assert (found.minimum, found.maximum) == (finite.min(), finite.max())
    mean, std = float(np.mean(finite)), float(np.std(finite))
    assert close(found.mean, mean, std)
    assert close(found.std, 0.0 if finite.min() == finite.max() else std)
    assert close(found.square_sum, np.square(finite).sum())
    if found.outliers is not None:
        assert found.outliers == (np.abs(finite - found.mean) > OUTLIER_STDS * found.std).sum()
    if dtype.floating and rows > 1 and values.size:
        squares = np.square(np.where(np.isfinite(values), values, 0)).reshape(rows, -1)
        assert found.row_square_sums is not None
        assert found.column_square_sums is not None
        np.testing.assert_allclose(found.row_square_sums, squares.sum(axis=1), rtol=1e-6)
        np.testing.assert_allclose(found.column_square_sums, squares.sum(axis=0), rtol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", FLOATING)
def test_every_shape_agrees_with_float64(dtype: DType, backend: str) -> None:
    for rows, columns in SHAPES:
        values = np.random.default_rng(rows).standard_normal(rows * columns) + 0.5
        values[:: max(1, rows * columns // 3)] = 0
        numbers = stored(values, dtype)
        check(moments(numbers, dtype, rows, backend=backend), numbers, dtype, rows)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [dtype for dtype in FLOATING if dtype is not DType.F64])
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_any_bits_agree_with_float64(backend: str, dtype: DType, data: st.DataObject) -> None:
    rows, columns = data.draw(st.integers(1, 40)), data.draw(st.integers(0, 2200))
    numbers = raw(data.draw(st.integers(0, 2**32)), rows * columns, dtype)
    check(moments(numbers, dtype, rows, backend=backend), numbers, dtype, rows)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", FLOATING)
def test_every_value_of_the_narrow_formats_is_read_alike(dtype: DType, backend: str) -> None:
    """Pairs of neighbours: each value's own statistics come back exactly."""
    width = 8 * dtype.storage.itemsize
    bits = np.arange(1 << width if width <= 16 else 1 << 16, dtype=f"<u{width // 8}").view(dtype.storage)
    found = moments(bits, dtype, bits.size // 2, backend=backend)
    check(found, bits, dtype, bits.size // 2)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", FLOATING)
def test_special_numbers_are_counted_and_left_out(dtype: DType, backend: str) -> None:
    values = np.full(60, 1.5)
    values[[3, 7]] = 0.0, -0.0
    numbers = stored(values, dtype).copy()
    if dtype is not DType.F8_E4M3:
        numbers[[0, 30]] = stored(np.array([np.inf, -np.inf]), dtype)
    numbers[11] = stored(np.array([np.nan]), dtype)[0] if dtype is not DType.F8_E4M3 else 0xFF
    found = moments(numbers, dtype, 6, backend=backend)
    assert (found.nan, found.inf, found.zeros) == (1, 0 if dtype is DType.F8_E4M3 else 2, 2)
    check(found, numbers, dtype, 6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_finite_is_nan_and_nothing_at_all_too(backend: str) -> None:
    for numbers, rows in ((np.full(5000, np.nan, np.float32), 2), (np.empty(0, np.float32), 1), (np.empty(0, np.float32), 0)):
        found = moments(numbers, DType.F32, rows, backend=backend)
        assert np.isnan([found.mean, found.std, found.minimum, found.rms]).all()
        assert (found.count, found.nan, found.outliers, found.square_sum) == (numbers.size, numbers.size, 0, 0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_mean_far_above_the_standard_deviation_costs_no_digits(backend: str) -> None:
    values = 1e4 + np.random.default_rng(0).standard_normal(300_000)
    found = moments(values, DType.F64, 1, backend=backend)
    assert close(found.std, values.std())
    nearly = np.ones(100_000, np.float32)
    nearly[70_000] = np.nextafter(np.float32(1), np.float32(2))
    assert close(moments(nearly, DType.F32, 10, backend=backend).std, nearly.astype(np.float64).std())
    assert moments(np.full(70_000, 0.1, np.float32), DType.F32, 7, backend=backend).std == 0


@pytest.mark.parametrize("backend", BACKENDS)
def test_outliers_are_counted_exactly_across_threads(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "_WORTH_A_THREAD", 1000)
    values = np.random.default_rng(1).standard_normal((700, 300)).astype(np.float32)
    values[::50, 7], values[3, 3], values[600, 0] = 40.0, np.nan, -90.0
    for numbers, rows in ((values.ravel(), 700), (values.ravel(), 1)):
        found = moments(numbers, DType.F32, rows, backend=backend)
        assert found.outliers == 15
        check(found, numbers, DType.F32, rows)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_wide_matrix_is_cut_between_rows(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "_WORTH_A_THREAD", 1000)
    numbers = stored(np.random.default_rng(2).standard_normal(5 * 9001), DType.BF16)
    check(moments(numbers, DType.BF16, 5, backend=backend), numbers, DType.BF16, 5)


def test_too_many_rows_are_not_summed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "MOST_LINES", 100)
    found = moments(np.ones(303, np.float32), DType.F32, 101)
    assert found.row_square_sums is None
    assert found.column_square_sums is None
    assert found.square_sum == 303


@pytest.mark.parametrize("dtype", WHOLE)
def test_whole_numbers_are_only_counted(dtype: DType) -> None:
    numbers = (np.arange(9000) % 2 if dtype is DType.BOOL else np.arange(9000) % 100).astype(dtype.storage)
    found = moments(numbers, dtype, 90)
    check(found, numbers, dtype, 1)
    assert (found.outliers, found.row_square_sums, found.column_square_sums) == (None, None, None)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_file_whose_numbers_are_not_aligned_is_read(backend: str) -> None:
    numbers = np.frombuffer(b"x" + np.arange(5000, dtype=np.float32).tobytes(), np.float32, offset=1)
    assert not numbers.flags.aligned
    assert moments(numbers, DType.F32, 5, backend=backend).maximum == 4999


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(FLOATING), st.integers(1, 30), st.integers(1, 2100), st.integers(0, 2**32))
def test_the_backends_agree(dtype: DType, rows: int, columns: int, seed: int) -> None:
    if dtype is DType.F64:  # any bits would leave float64's range
        numbers: NDArray[np.generic] = np.random.default_rng(seed).standard_normal(rows * columns)
    else:
        numbers = raw(seed, rows * columns, dtype)
    one, other = (moments(numbers, dtype, rows, backend=backend) for backend in BACKENDS)
    for field in fields(one):
        left, right = getattr(one, field.name), getattr(other, field.name)
        if field.name in ("mean", "std", "square_sum", "row_square_sums", "column_square_sums") and left is not None:
            np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9 * one.std if field.name == "mean" else 0)
        else:
            np.testing.assert_array_equal(left, right)


@settings(deadline=None, max_examples=80)
@given(st.sampled_from(PAIRS), st.integers(0, 5000), st.integers(0, 2**32), st.booleans())
def test_changes_agree_with_the_definitions(pair: tuple[DType, DType], count: int, seed: int, any_bits: bool) -> None:
    before_dtype, after_dtype = pair

    def drawn(dtype: DType, add: int) -> NDArray[np.generic]:
        if any_bits and dtype is not DType.F64:
            return raw(seed + add, count, dtype)
        return stored(np.random.default_rng(seed).standard_normal(count) * (1 + add / 100), dtype)

    before, after = drawn(before_dtype, 0), drawn(after_dtype, 1)
    one, other = (change(before, before_dtype, after, after_dtype, backend=backend) for backend in BACKENDS)
    first, second = decode(before, before_dtype), decode(after, after_dtype)
    finite = np.isfinite(first) & np.isfinite(second)
    first, second = first[finite], second[finite]
    for found in (one, other):
        assert (found.count, found.left_out) == (count, count - finite.sum())
        assert found.unchanged == (first == second).sum()
        assert found.sign_flips == (np.sign(first) * np.sign(second) < 0).sum()
        assert close(found.largest, np.abs(second - first).max(initial=0))
        assert close(found.change_square_sum, np.square(second - first).sum())
        assert close(found.before_square_sum, np.square(first).sum())
        assert close(found.after_square_sum, np.square(second).sum())
        assert close(found.dot, (first * second).sum(), float(np.abs(first * second).sum()))
    assert one.ulp_changed == other.ulp_changed


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [DType.F32, DType.BF16])
@pytest.mark.parametrize(
    ("offset", "spread", "grown"),
    [(1e4, 1e-2, 1.0), (0.0, 1e8, 1e-8), (0.0, 1e-40, 1.0), (0.0, 1e-24, 2.0), (0.0, 1e25, 1.5), (0.0, 0.02, 1e6)],
)
def test_changes_of_large_and_tiny_numbers(dtype: DType, backend: str, offset: float, spread: float, grown: float) -> None:
    draw = np.random.default_rng(0)
    values = offset + spread * draw.standard_t(3, 20_000)
    values[::977] = 0
    values[5000] = np.nan
    before = stored(values, dtype)
    after = stored(values * grown + 0.01 * spread * draw.standard_normal(values.size), dtype)
    found = change(before, dtype, after, dtype, backend=backend)
    first, second = decode(before, dtype), decode(after, dtype)
    finite = np.isfinite(first) & np.isfinite(second)
    first, second = first[finite], second[finite]
    assert found.left_out == 1
    assert close(found.change_square_sum, np.square(second - first).sum())
    assert close(found.before_square_sum, np.square(first).sum())
    assert close(found.after_square_sum, np.square(second).sum())
    assert close(found.dot, (first * second).sum(), float(np.abs(first * second).sum()))
    assert close(found.largest, np.abs(second - first).max())


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [DType.BF16, DType.F16])
def test_neighbours_are_one_unit_apart_on_both_sides_of_a_power_of_two(dtype: DType, backend: str) -> None:
    bits = np.arange(0x7800 if dtype is DType.F16 else 0x7F70, dtype=np.uint16)
    for apart, moved in ((0, 0), (1, 0), (2, bits.size)):
        found = change(bits.view(dtype.storage), dtype, (bits + np.uint16(apart)).view(dtype.storage), dtype, backend=backend)
        assert found.ulp_changed == moved


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_rounded_copy_moved_less_than_a_unit_of_the_coarser_type(backend: str) -> None:
    before = np.random.default_rng(0).standard_normal(10_000).astype(np.float32)
    rounded = stored(before.astype(np.float64), DType.BF16)
    found = change(before, DType.F32, rounded, DType.BF16, backend=backend)
    assert (found.ulp_changed, found.sign_flips) == (0, 0)
    assert 0 < found.relative < 2**-7
    assert (
        change(before, DType.F32, (rounded + np.uint16(2)).astype(np.uint16), DType.BF16, backend=backend).ulp_changed == 10_000
    )


def test_tensors_of_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        change(np.zeros(3), DType.F64, np.zeros(4), DType.F64)
