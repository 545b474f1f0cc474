"""The floating point formats of weights: their limits, and how NumPy reads them.

IEEE 754 for F64, F32 and F16; BF16 is the upper half of an F32; F8_E4M3 and F8_E5M2 as in "FP8 Formats for Deep Learning"
(arXiv 2209.05433): E5M2 is the upper half of an F16, E4M3 has no infinity and one NaN magnitude.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rldk_tui.checkpoints.tensors import DType


@dataclass(frozen=True, slots=True)
class FloatFormat:
    """A floating point format.

    Attributes:
        mantissa: Stored bits of the significand.
        smallest_exponent: Power of two of the smallest normal number.
        largest: Bits of the largest finite magnitude; anything above it is infinite or NaN.
        has_infinity: Whether the next magnitude is infinity (else NaN).
    """

    mantissa: int
    smallest_exponent: int
    largest: int
    has_infinity: bool = True


FORMATS = {
    DType.F64: FloatFormat(52, -1022, 0x7FEF_FFFF_FFFF_FFFF),
    DType.F32: FloatFormat(23, -126, 0x7F7F_FFFF),
    DType.F16: FloatFormat(10, -14, 0x7BFF),
    DType.BF16: FloatFormat(7, -126, 0x7F7F),
    DType.F8_E4M3: FloatFormat(3, -6, 0x7E, has_infinity=False),
    DType.F8_E5M2: FloatFormat(2, -14, 0x7B),
}


def coarser(one: DType, other: DType) -> FloatFormat | None:
    """The format with fewer bits in its significand; None if it has more than 16 bits in all, or either is of whole numbers."""
    if not (one.floating and other.floating):
        return None
    chosen = min(FORMATS[one], FORMATS[other], key=lambda a_format: a_format.mantissa)
    return chosen if chosen.mantissa <= FORMATS[DType.F16].mantissa else None


@cache
def eight_bit_values(dtype: DType) -> NDArray[np.float64]:
    """The 256 values of an eight-bit format, by their bits."""
    bits = np.arange(256, dtype=np.uint16)
    if dtype is DType.F8_E5M2:
        return (bits << 8).view(np.float16).astype(np.float64)
    exponent, mantissa = (bits >> 3 & 15).astype(np.float64), (bits & 7).astype(np.float64)
    magnitude = np.where(exponent > 0, (1 + mantissa / 8) * np.exp2(exponent - 7), mantissa / 8 * np.exp2(-6.0))
    magnitude[(bits & 127) == 127] = np.nan
    return np.where(bits < 128, magnitude, -magnitude)


def decode(numbers: NDArray[np.generic], dtype: DType) -> NDArray[np.float64]:
    """Numbers of any stored type as float64: exact, but for whole numbers beyond 2^53. A copy, so of blocks only."""
    if dtype in (DType.F8_E4M3, DType.F8_E5M2):
        values: NDArray[np.float64] = eight_bit_values(dtype)[numbers]
        return values
    if dtype is DType.BF16:
        numbers = (numbers.astype(np.uint32) << 16).view(np.float32)
    with np.errstate(invalid="ignore"):  # a signalling NaN becomes a quiet one
        return numbers.astype(np.float64)
