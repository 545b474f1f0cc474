"""How compiled code reads the floating point formats. Importing this module imports numba, which costs a third of a second.

The array's NumPy type alone selects the code: unsigned for F64, F32, BF16 and F8_E4M3, signed for F16 and F8_E5M2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload
from numpy.typing import NDArray

from rldk_tui.checkpoints.kernels.formats import FORMATS
from rldk_tui.checkpoints.tensors import DType

_VIEWS: dict[DType, Any] = {
    DType.F64: np.dtype(np.uint64),
    DType.F32: np.dtype(np.uint32),
    DType.F16: np.dtype(np.int16),
    DType.BF16: np.dtype(np.uint16),
    DType.F8_E4M3: np.dtype(np.uint8),
    DType.F8_E5M2: np.dtype(np.int8),
}
_BY_TYPE = {
    types.uint64: DType.F64,
    types.uint32: DType.F32,
    types.int16: DType.F16,
    types.uint16: DType.BF16,
    types.uint8: DType.F8_E4M3,
    types.int8: DType.F8_E5M2,
}
_SIGNED: dict[int, Any] = {1: np.int8, 2: np.int16, 4: np.int32, 8: np.int64}
_UNSIGNED: dict[int, Any] = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
_REASSOCIATE = {"reassoc", "contract", "nsz"}
"""Sums may be taken in any order, which is what lets them be vectorised; NaN and infinity keep their meaning."""


def compiled(function: Callable[..., Any]) -> Any:
    """Compile at the first use for a type (some seconds), and keep that beside the file or in the user's cache."""
    try:
        return njit(nogil=True, fastmath=_REASSOCIATE, error_model="numpy", cache=True)(function)
    except RuntimeError:  # nowhere on this machine may a cache be written
        return njit(nogil=True, fastmath=_REASSOCIATE, error_model="numpy")(function)


def value_of(bits: Any) -> float:
    """The finite number these bits stand for."""
    raise NotImplementedError


def single_of(bits: Any) -> float:
    """The finite number these bits stand for, as float32: exact, but for F64."""
    raise NotImplementedError


def key_of(bits: Any) -> int:
    """An integer that sorts like the number: -0.0 is -1, 0.0 is 0."""
    raise NotImplementedError


def signed_of(bits: Any) -> int:
    """The bits as a signed integer."""
    raise NotImplementedError


def unsigned_of(bits: Any) -> int:
    """The bits as an unsigned integer."""
    raise NotImplementedError


def magnitude_of(bits: Any) -> int:
    """The bits without the sign."""
    raise NotImplementedError


def place_of(bits: Any) -> int:
    """How many numbers of the format lie between zero and this one, with its sign: both zeros are 0."""
    raise NotImplementedError


def opposite(place: Any, other: Any) -> bool:
    """Whether the numbers of two places have opposite signs."""
    raise NotImplementedError


def apart(place: Any, other: Any) -> bool:
    """Whether the numbers of two places are different and no neighbours."""
    raise NotImplementedError


def bits_of(key: Any, like: Any) -> int:
    """The bits that have this key."""
    raise NotImplementedError


def largest_key(like: Any) -> int:
    """The key of the largest finite number; that of the smallest is its complement."""
    raise NotImplementedError


def has_infinity(like: Any) -> bool:
    """Whether the format's first magnitude that is not finite is infinity."""
    raise NotImplementedError


def stays_special(like: Any) -> bool:
    """Whether `single_of` leaves infinity and NaN what they are, so that a sum tells of them."""
    raise NotImplementedError


def _small_single(fraction: int, exponents: int, width: int) -> Callable[[Any], Any]:
    """Decoding of a format narrower than F32 by moving its exponent; subnormal ones through a subtraction, which is exact."""
    shift = np.uint32(23 - fraction)
    sign, magnitude = np.uint32(1 << (width - 1)), np.uint32((1 << (width - 1)) - 1)
    up, normal = np.uint32(32 - width), np.uint32(1 << fraction)
    bias = 127 - ((1 << (exponents - 1)) - 1)
    offset, offset_of_subnormal = np.uint32(bias << 23), np.uint32((bias + 1) << 23)
    smallest = np.float32(2.0 ** (1 - ((1 << (exponents - 1)) - 1)))

    def decode(bits: Any) -> Any:
        stored = np.uint32(bits)
        size = np.uint32(stored & magnitude)
        moved = np.uint32(size << shift)
        plain = np.uint32(moved + offset)
        below = np.float32(np.uint32(moved + offset_of_subnormal).view(np.float32) - smallest).view(np.uint32)
        unsigned = below if size < normal else plain
        return np.uint32(np.uint32(unsigned) | np.uint32(np.uint32(stored & sign) << up)).view(np.float32)

    return decode


_SINGLES: dict[DType, Callable[[Any], Any]] = {
    DType.F64: lambda bits: np.float32(np.uint64(bits).view(np.float64)),
    DType.F32: lambda bits: np.uint32(bits).view(np.float32),
    DType.BF16: lambda bits: np.uint32(np.uint32(bits) << np.uint32(16)).view(np.float32),
    DType.F16: _small_single(10, 5, 16),
    DType.F8_E4M3: _small_single(3, 4, 8),
    DType.F8_E5M2: _small_single(2, 5, 8),
}


@overload(single_of, strict=False)
def _single_of_type(bits: Any) -> Any:
    return _SINGLES[_BY_TYPE[bits]]


@overload(value_of, strict=False)
def _value_of_type(bits: Any) -> Any:
    if _BY_TYPE[bits] is DType.F64:
        return lambda bits: np.uint64(bits).view(np.float64)
    return lambda bits: np.float64(single_of(bits))


@overload(key_of, strict=False)
def _key_of_type(bits: Any) -> Any:
    signed = _SIGNED[bits.bitwidth // 8]
    ones, last = signed(np.iinfo(signed).max), signed(bits.bitwidth - 1)

    def read(bits: Any) -> Any:
        stored = signed(bits)
        return signed(stored ^ signed(signed(stored >> last) & ones))

    return read


@overload(signed_of, strict=False)
def _signed_of_type(bits: Any) -> Any:
    signed = _SIGNED[bits.bitwidth // 8]
    return lambda bits: signed(bits)


@overload(unsigned_of, strict=False)
def _unsigned_of_type(bits: Any) -> Any:
    unsigned = _UNSIGNED[bits.bitwidth // 8]
    return lambda bits: unsigned(bits)


@overload(magnitude_of, strict=False)
def _magnitude_of_type(bits: Any) -> Any:
    unsigned = _UNSIGNED[bits.bitwidth // 8]
    ones = unsigned(np.iinfo(unsigned).max >> 1)
    return lambda bits: unsigned(unsigned(bits) & ones)


@overload(place_of, strict=False)
def _place_of_type(bits: Any) -> Any:
    signed = _SIGNED[bits.bitwidth // 8]
    ones, last = signed(np.iinfo(signed).max), signed(bits.bitwidth - 1)

    def place(bits: Any) -> Any:
        stored = signed(bits)
        flip = signed(stored >> last)
        return signed(signed(signed(stored & ones) ^ flip) - flip)

    return place


@overload(opposite, strict=False)
def _opposite_of_type(place: Any, other: Any) -> Any:
    signed = _SIGNED[place.bitwidth // 8]
    zero = signed(0)
    return lambda place, other: (signed(place ^ other) < zero) & (place != zero) & (other != zero)


@overload(apart, strict=False)
def _apart_of_type(place: Any, other: Any) -> Any:
    unsigned = _UNSIGNED[place.bitwidth // 8]
    one, two = unsigned(1), unsigned(2)
    # the difference may go round once, but never back to one of these three
    return lambda place, other: unsigned(unsigned(unsigned(place) - unsigned(other)) + one) > two


@overload(bits_of, strict=False)
def _bits_of_type(key: Any, like: Any) -> Any:
    signed = _SIGNED[like.bitwidth // 8]
    stored, ones, last = _VIEWS[_BY_TYPE[like]].type, signed(np.iinfo(signed).max), signed(like.bitwidth - 1)
    return lambda key, like: stored(signed(key ^ signed(signed(key >> last) & ones)))


@overload(largest_key, strict=False)
def _largest_of_type(like: Any) -> Any:
    largest = _SIGNED[like.bitwidth // 8](FORMATS[_BY_TYPE[like]].largest)
    return lambda like: largest


@overload(has_infinity, strict=False)
def _has_infinity_of_type(like: Any) -> Any:
    infinity = FORMATS[_BY_TYPE[like]].has_infinity
    return lambda like: infinity


@overload(stays_special, strict=False)
def _stays_special_of_type(like: Any) -> Any:
    stays = _BY_TYPE[like] in (DType.F32, DType.BF16)
    return lambda like: stays


@compiled
def all_finite(bits: Any) -> bool:
    """Whether a run is finite: one magnitude is the largest."""
    most = magnitude_of(bits[0])
    for i in range(bits.size):
        magnitude = magnitude_of(bits[i])
        most = magnitude if magnitude > most else most
    return most <= magnitude_of(largest_key(bits[0]))


def viewed(numbers: NDArray[np.generic], dtype: DType) -> NDArray[np.generic]:
    """The array as the kernels want it: read only, so that each is compiled once for a format."""
    bits: NDArray[np.generic] = numbers.view(_VIEWS[dtype])
    bits.flags.writeable = False
    return bits
