"""The compiled pass over a tensor and its earlier self, block by block.

A block is summed first and its pairs are counted in the cache afterwards. Sums are in float32 where they tell by themselves
that nothing was lost, else in float64; a block with a number that is not finite is compared again without it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rldk_tui.checkpoints.kernels.formats import coarser
from rldk_tui.checkpoints.kernels.numba_calls import call
from rldk_tui.checkpoints.kernels.numba_formats import (
    all_finite,
    apart,
    compiled,
    key_of,
    largest_key,
    opposite,
    place_of,
    stays_special,
    value_of,
    viewed,
)
from rldk_tui.checkpoints.kernels.numba_single import change_counts, change_sums
from rldk_tui.checkpoints.statistics import Change
from rldk_tui.checkpoints.tensors import DType

BLOCK = 1024
"""Pairs of a block: both runs stay in the first-level cache."""
_LEAST_SUM, _MOST_SUM = 2.0**-80, 2.0**100
"""Of a block's squares: any that float32 loses are below 2^-126, or beyond its range with the sum."""
_EXPONENT, _MAGNITUDE, _MANTISSA = np.int64(0x7FF0_0000_0000_0000), np.int64(0x7FFF_FFFF_FFFF_FFFF), 52


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
def _sums(before, after):  # type: ignore[no-untyped-def]
    moved = squares = squares_after = dot = 0.0
    largest = np.int64(0)
    for i in range(before.size):
        a, b = value_of(before[i]), value_of(after[i])
        step = b - a
        moved += step * step
        squares += a * a
        squares_after += b * b
        dot += a * b
        size = np.float64(step).view(np.int64) & _MAGNITUDE
        largest = size if size > largest else largest
    return moved, squares, squares_after, dot, np.int64(largest).view(np.float64)


@compiled
def _counts_of_one_format(before, after):  # type: ignore[no-untyped-def]
    """How many are equal, have opposite signs, and are not neighbours; of a format of 16 bits at most.

    In integers of the width of the format, since a vector holds most of those.
    """
    same = flips = far = np.uint16(0)
    for i in range(before.size):
        one, other = place_of(before[i]), place_of(after[i])
        same = np.uint16(same + np.uint16(one == other))
        flips = np.uint16(flips + np.uint16(opposite(one, other)))
        far = np.uint16(far + np.uint16(apart(one, other)))
    return np.int64(same), np.int64(flips), np.int64(far)


@compiled
def _counts(before, after):  # type: ignore[no-untyped-def]
    """How many are equal, and have opposite signs."""
    same = flips = np.int64(0)
    for i in range(before.size):
        a, b = value_of(before[i]), value_of(after[i])
        same += np.int64(a == b)
        flips += np.int64(((a < 0.0) & (b > 0.0)) | ((a > 0.0) & (b < 0.0)))
    return same, flips


@compiled
def _far(before, after, least, drop):  # type: ignore[no-untyped-def]
    """How many are more than one unit in the last place apart.

    That of a number whose exponent's bits are e is the number of bits max(e, `least`) - `drop`. That of the smaller of two
    numbers is taken, so neighbours are one apart on both sides of a power of two.
    """
    far = np.int64(0)
    for i in range(before.size):
        a, b = value_of(before[i]), value_of(after[i])
        size = np.float64(b - a).view(np.int64) & _MAGNITUDE
        one, other = np.float64(a).view(np.int64) & _MAGNITUDE, np.float64(b).view(np.int64) & _MAGNITUDE
        exponent = (one if one < other else other) & _EXPONENT
        unit = (exponent if exponent > least else least) - drop
        far += np.int64(size > unit)
    return far


@compiled
def _sums_of_block(before, after):  # type: ignore[no-untyped-def]
    """The sums of a block, and whether all of it is finite; in float32 unless that could lose something."""
    if before.itemsize <= 4 and after.itemsize <= 4:
        moved, squares, squares_after, dot, largest = change_sums(before, after)
        good = _told(moved) and _told(squares) and _told(squares_after) and _told(abs(dot))
        if good and _finite(before) and _finite(after):
            return True, (moved, squares, squares_after, dot, largest)
    if not (all_finite(before) and all_finite(after)):
        return False, (0.0, 0.0, 0.0, 0.0, 0.0)
    return True, _sums(before, after)


@compiled
def _finite(bits):  # type: ignore[no-untyped-def]
    """Whether a run whose float32 sum is finite is so itself."""
    return stays_special(bits[0]) or all_finite(bits)


@compiled
def _told(squares):  # type: ignore[no-untyped-def]
    """Whether a float32 sum can be believed: neither beyond its range, nor made of squares below it."""
    return _LEAST_SUM <= squares <= _MOST_SUM


@compiled
def _change(before, after, least, drop, narrow):  # type: ignore[no-untyped-def]
    """The pass; `drop` 0 counts no units, `narrow` says that both are of one format of 16 bits at most."""
    left_out = same = flips = far = 0
    moved = squares = squares_after = dot = largest = 0.0
    first, second = np.empty(BLOCK), np.empty(BLOCK)
    for at in range(0, before.size, BLOCK):
        one, other = before[at : at + BLOCK], after[at : at + BLOCK]
        finite, sums = _sums_of_block(one, other)
        distant = 0
        if not finite:
            kept = _finite_pairs(one, other, first, second)
            left_out += one.size - kept
            one_kept, other_kept = first[:kept].view(np.uint64), second[:kept].view(np.uint64)
            sums, counts = _sums(one_kept, other_kept), _counts(one_kept, other_kept)
            distant = _far(one_kept, other_kept, least, drop) if drop else 0
        elif narrow:
            equal, crossed, distant = _counts_of_one_format(one, other)
            counts = (equal, crossed)
        else:
            narrow_enough = before.itemsize <= 4 and after.itemsize <= 4
            counts = change_counts(one, other) if narrow_enough else _counts(one, other)
            distant = _far(one, other, least, drop) if drop else 0
        same, flips, far = same + counts[0], flips + counts[1], far + distant
        moved, squares, squares_after, dot = moved + sums[0], squares + sums[1], squares_after + sums[2], dot + sums[3]
        largest = max(largest, sums[4])
    return left_out, same, flips, moved, squares, squares_after, dot, largest, far


def compare(before: NDArray[np.generic], before_dtype: DType, after: NDArray[np.generic], after_dtype: DType) -> Change:
    """The change of a run of numbers; both of floating types."""
    coarse = coarser(before_dtype, after_dtype)
    least = np.int64(coarse.smallest_exponent + 1023 << _MANTISSA if coarse else _EXPONENT)
    drop = np.int64((coarse.mantissa if coarse else 0) << _MANTISSA)
    narrow = before_dtype is after_dtype and before.itemsize <= 2
    found = call(_change, viewed(before, before_dtype), viewed(after, after_dtype), least, drop, narrow)
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
