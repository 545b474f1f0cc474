"""The compiled pass over one tensor: in float64, block by block, each block read from memory once.

A block is decoded and summed, which is when memory is waited for, then looked at again in the cache as integers, at the
width they are stored in: floating point numbers sort like integers once the negative ones are flipped, so its smallest and
largest key also tell whether all of it is finite. At the first number that is not, the run is begun again, extremes first:
blocks with such numbers then take a slow path.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rldk_tui.checkpoints.kernels.numba_calls import call
from rldk_tui.checkpoints.kernels.numba_formats import (
    bits_of,
    compiled,
    has_infinity,
    key_of,
    largest_key,
    magnitude_of,
    signed_of,
    unsigned_of,
    value_of,
    viewed,
)
from rldk_tui.checkpoints.kernels.part import Part
from rldk_tui.checkpoints.tensors import DType

WIDTH, BLOCK = 2048, 8192
"""Columns and numbers of a block at most: its bytes and the sums of its columns stay in the first two levels of cache."""


@compiled
def _extremes(bits, low, high):  # type: ignore[no-untyped-def]
    """Smallest and largest key of a run, begun with `low` and `high`, and its zeros.

    As signed integers the positive numbers sort rightly and lie above the negative ones; as unsigned integers the negative ones
    lie above, and those far from zero highest. Three plain extremes thus give both keys.
    """
    top = bottom = signed_of(bits[0])
    far = unsigned_of(bits[0])
    zeros = np.int32(0)
    for i in range(bits.size):
        signed, unsigned = signed_of(bits[i]), unsigned_of(bits[i])
        top = signed if signed > top else top
        bottom = signed if signed < bottom else bottom
        far = unsigned if unsigned > far else far
        zeros = np.int32(zeros + np.int32(magnitude_of(bits[i]) == 0))
    highest = top if top >= 0 else key_of(bottom)
    lowest = bottom if bottom >= 0 else key_of(far)
    return min(low, lowest), max(high, highest), np.int64(zeros)


@compiled
def _four_rows(first, second, third, fourth, columns, pivot):  # type: ignore[no-untyped-def]
    """Squares of four rows at once: the columns' sums are loaded and stored once for the four."""
    a = b = c = d = total = squares = 0.0
    for i in range(columns.size):
        v, w, x, y = value_of(first[i]), value_of(second[i]), value_of(third[i]), value_of(fourth[i])
        dv, dw, dx, dy = v - pivot, w - pivot, x - pivot, y - pivot
        total += (dv + dw) + (dx + dy)
        squares += dv * dv + dw * dw + dx * dx + dy * dy
        v, w, x, y = v * v, w * w, x * x, y * y
        a += v
        b += w
        c += x
        d += y
        columns[i] += (v + w) + (x + y)
    return a, b, c, d, total, squares


@compiled
def _one_row(row, columns, pivot):  # type: ignore[no-untyped-def]
    own = total = squares = 0.0
    for i in range(columns.size):
        v = value_of(row[i])
        deviation = v - pivot
        total += deviation
        squares += deviation * deviation
        v = v * v
        own += v
        columns[i] += v
    return own, total, squares


@compiled
def _block(bits, stride, height, row_sums, column_sums, pivot):  # type: ignore[no-untyped-def]
    """Add a block's squares to its rows and columns; return sum and sum of squares of the differences from `pivot`."""
    width = column_sums.size
    total = squares = 0.0
    row = 0
    while row + 4 <= height:
        at = row * stride
        a, b, c, d, more, more_squares = _four_rows(
            bits[at : at + width],
            bits[at + stride : at + stride + width],
            bits[at + 2 * stride : at + 2 * stride + width],
            bits[at + 3 * stride : at + 3 * stride + width],
            column_sums,
            pivot,
        )
        row_sums[row] += a
        row_sums[row + 1] += b
        row_sums[row + 2] += c
        row_sums[row + 3] += d
        total += more
        squares += more_squares
        row += 4
    while row < height:
        own, more, more_squares = _one_row(bits[row * stride : row * stride + width], column_sums, pivot)
        row_sums[row] += own
        total += more
        squares += more_squares
        row += 1
    return total, squares


@compiled
def _finite_only(bits, stride, height, width, copy):  # type: ignore[no-untyped-def]
    """The slow path: statistics of the finite numbers of a block, and a copy of it with the others set to zero."""
    largest = largest_key(bits[0])
    low, high = largest, ~largest
    finite = nan = inf = zeros = 0
    pivot = total = squares = 0.0
    for row in range(height):
        for column in range(width):
            stored = bits[row * stride + column]
            key = key_of(stored)
            good = ~largest <= key <= largest
            copy[row * width + column] = stored if good else 0
            if not good:
                infinite = has_infinity(stored) and (key == largest + 1 or key == ~largest - 1)
                inf += infinite
                nan += not infinite
                continue
            low, high = min(low, key), max(high, key)
            zeros += key == 0 or key == -1
            value = value_of(stored)
            pivot = value if finite == 0 else pivot
            finite += 1
            total += value - pivot
            squares += (value - pivot) * (value - pivot)
    return low, high, finite, nan, inf, zeros, pivot, total, squares


@compiled
def _extremes_of_block(bits, stride, height, width):  # type: ignore[no-untyped-def]
    """Smallest and largest key of a block, its zeros, and whether all of it is finite."""
    largest = largest_key(bits[0])
    low, high, zeros = largest, ~largest, 0
    if width == stride:
        low, high, zeros = _extremes(bits[: height * width], low, high)
    else:
        for row in range(height):
            low, high, more = _extremes(bits[row * stride : row * stride + width], low, high)
            zeros += more
    return low, high, zeros, high <= largest and low >= ~largest


@compiled
def _scan(bits, stride, row_sums, column_sums, lows, highs, careful):  # type: ignore[no-untyped-def]
    """The pass over a run of rows; unless `careful`, it gives up at a number that is not finite, and says so first."""
    finite = nan = inf = zeros = block = 0
    mean = deviations = 0.0
    lowest, highest = np.inf, -np.inf
    width = max(1, min(WIDTH, stride))
    height = max(1, BLOCK // width)
    copy = np.empty(width * height if careful else 0, bits.dtype)
    low, high, found, clean = largest_key(bits[0]), largest_key(bits[0]), 0, True
    for row in range(0, row_sums.size, height):
        tall = min(height, row_sums.size - row)
        for column in range(0, stride, width):
            wide = min(width, stride - column)
            own = bits[row * stride + column : (row + tall - 1) * stride + column + wide]
            own_rows, own_columns = row_sums[row : row + tall], column_sums[column : column + wide]
            number, pivot = tall * wide, value_of(own[0])
            if careful:
                low, high, found, clean = _extremes_of_block(own, stride, tall, wide)
            if clean:
                total, squares = _block(own, stride, tall, own_rows, own_columns, pivot)
            else:
                low, high, number, not_numbers, infinite, found, pivot, total, squares = _finite_only(
                    own, stride, tall, wide, copy
                )
                nan, inf = nan + not_numbers, inf + infinite
                _block(copy, wide, tall, own_rows, own_columns, 0.0)
            if not careful:
                low, high, found, clean = _extremes_of_block(own, stride, tall, wide)
                if not clean:
                    return False, finite, nan, inf, zeros, mean, deviations, lowest, highest
            zeros += found
            if number:
                step = pivot + total / number - mean
                finite += number
                mean += step * (number / finite)
                deviations += max(0.0, squares - total * (total / number)) + step * step * ((finite - number) / finite * number)
                lows[block], highs[block] = value_of(bits_of(low, bits[0])), value_of(bits_of(high, bits[0]))
                lowest, highest = min(lowest, lows[block]), max(highest, highs[block])
            else:
                lows[block], highs[block] = np.inf, -np.inf
            block += 1
    return True, finite, nan, inf, zeros, mean, deviations, lowest, highest


@compiled
def _beyond(bits, stride, lows, highs, low, high):  # type: ignore[no-untyped-def]
    largest = largest_key(bits[0])
    found = block = 0
    width = max(1, min(WIDTH, stride))
    height = max(1, BLOCK // width)
    rows = bits.size // stride
    for row in range(0, rows, height):
        for column in range(0, stride, width):
            if lows[block] < low or highs[block] > high:
                for i in range(row, min(row + height, rows)):
                    for stored in bits[i * stride + column : i * stride + min(column + width, stride)]:
                        key = key_of(stored)
                        value = value_of(stored)
                        found += (~largest <= key) & (key <= largest) & ((value < low) | (value > high))
            block += 1
    return found


def scan(numbers: NDArray[np.generic], dtype: DType, columns: int) -> Part:
    """Statistics of whole rows of a matrix."""
    rows, width = numbers.size // columns, max(1, min(WIDTH, columns))
    blocks = -(-rows // max(1, BLOCK // width)) * -(-columns // width)
    bits = viewed(numbers, dtype)
    for careful in (False, True):
        row_sums, column_sums = np.zeros(rows), np.zeros(columns)
        lows, highs = np.empty(blocks), np.empty(blocks)
        done, *found = call(_scan, bits, columns, row_sums, column_sums, lows, highs, careful)
        if done:
            break
    finite, nan, inf, zeros, mean, deviations, low, high = found
    return Part(finite, nan, inf, zeros, mean, deviations, low, high, row_sums, column_sums, lows, highs)


def beyond(numbers: NDArray[np.generic], dtype: DType, columns: int, part: Part, low: float, high: float) -> int:
    """How many finite numbers are below `low` or above `high`; only blocks that hold one are read."""
    return int(call(_beyond, viewed(numbers, dtype), columns, part.lows, part.highs, low, high))
