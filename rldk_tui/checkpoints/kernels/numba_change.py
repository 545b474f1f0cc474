"""The compiled pass over a tensor and its earlier self: both are decoded block by block, then compared in float64."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rldk_tui.checkpoints.kernels.formats import coarser
from rldk_tui.checkpoints.kernels.numba_formats import compiled, key_of, largest_key, value_of, viewed
from rldk_tui.checkpoints.statistics import Change
from rldk_tui.checkpoints.tensors import DType

BLOCK = 1024
"""Numbers decoded at once: both copies stay in the first-level cache."""
_EXPONENT, _MAGNITUDE, _MANTISSA = np.int64(0x7FF0_0000_0000_0000), np.int64(0x7FFF_FFFF_FFFF_FFFF), 52


@compiled
def _decoded(bits, out):  # type: ignore[no-untyped-def]
    """Decode a run; return whether all of it is finite."""
    largest = largest_key(bits[0])
    low, high = largest, ~largest
    for i in range(bits.size):
        key = key_of(bits[i])
        low = key if key < low else low
        high = key if key > high else high
        out[i] = value_of(bits[i])
    return low >= ~largest and high <= largest


@compiled
def _finite_pairs(before, after, first, second):  # type: ignore[no-untyped-def]
    """The slow path: decode the pairs of finite numbers alone; return how many there are."""
    largest, largest_after = largest_key(before[0]), largest_key(after[0])
    kept = 0
    for i in range(before.size):
        key, key_after = key_of(before[i]), key_of(after[i])
        if ~largest <= key <= largest and ~largest_after <= key_after <= largest_after:
            first[kept], second[kept] = value_of(before[i]), value_of(after[i])
            kept += 1
    return kept


@compiled
def _compared(before, after, least, drop):  # type: ignore[no-untyped-def]
    """Compare finite numbers.

    The unit in the last place of a number whose exponent's bits are e is the number of bits max(e, `least`) - `drop`. That of
    the smaller of two numbers is taken, so neighbours are one apart on both sides of a power of two.
    """
    moved = squares = squares_after = dot = 0.0
    same = flips = far = 0
    largest = np.int64(0)
    for i in range(before.size):
        a, b = before[i], after[i]
        step = b - a
        moved += step * step
        squares += a * a
        squares_after += b * b
        dot += a * b
        same += np.int64(a == b)
        flips += np.int64(((a < 0.0) & (b > 0.0)) | ((a > 0.0) & (b < 0.0)))
        size = np.float64(step).view(np.int64) & _MAGNITUDE
        largest = size if size > largest else largest
        one, other = np.float64(a).view(np.int64) & _MAGNITUDE, np.float64(b).view(np.int64) & _MAGNITUDE
        exponent = (one if one < other else other) & _EXPONENT
        unit = (exponent if exponent > least else least) - drop
        far += np.int64(size > unit)
    return same, flips, moved, squares, squares_after, dot, np.int64(largest).view(np.float64), far


@compiled
def _change(before, after, least, drop):  # type: ignore[no-untyped-def]
    first, second = np.empty(BLOCK), np.empty(BLOCK)
    left_out = same = flips = far = 0
    moved = squares = squares_after = dot = largest = 0.0
    for at in range(0, before.size, BLOCK):
        one, other = before[at : at + BLOCK], after[at : at + BLOCK]
        number = one.size
        finite = _decoded(one, first)
        if not (_decoded(other, second) and finite):
            number = _finite_pairs(one, other, first, second)
            left_out += one.size - number
        found = _compared(first[:number], second[:number], least, drop)
        same, flips, moved, squares = same + found[0], flips + found[1], moved + found[2], squares + found[3]
        squares_after, dot, largest, far = squares_after + found[4], dot + found[5], max(largest, found[6]), far + found[7]
    return left_out, same, flips, moved, squares, squares_after, dot, largest, far


def compare(before: NDArray[np.generic], before_dtype: DType, after: NDArray[np.generic], after_dtype: DType) -> Change:
    """The change of a run of numbers; both of floating types."""
    coarse = coarser(before_dtype, after_dtype)
    least = np.int64(coarse.smallest_exponent + 1023 << _MANTISSA if coarse else _EXPONENT)
    drop = np.int64((coarse.mantissa if coarse else 0) << _MANTISSA)
    found = _change(viewed(before, before_dtype), viewed(after, after_dtype), least, drop)
    left_out, same, flips, moved, squares, squares_after, dot, largest, far = found
    return Change(
        count=before.size,
        left_out=left_out,
        unchanged=same,
        sign_flips=flips,
        change_square_sum=moved,
        before_square_sum=squares,
        after_square_sum=squares_after,
        dot=dot,
        largest=largest,
        ulp_changed=far if coarse else None,
    )
