"""Numbers as logs write them: as text, with units, with a spread."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from rldk_tui.events import LAST_TIME

_NUMBER = re.compile(
    r"\s*([+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|nan|inf(?:inity)?))\s*(?:%|±.*|\+/-.*)?\s*", re.IGNORECASE
)
_LONGEST = 80
_EARLIEST = 1e8
"""Seconds since 1970: a smaller number in a column of times is the time since the start."""


def number(value: object) -> float | None:
    """A number, whether it is kept as one or as text ("0.23%" is 0.23, "287.5±102.3" is 287.5); None for anything else."""
    kind = type(value)
    if kind is float:
        return value  # type: ignore[return-value]
    if kind is int:
        return _as_float(value)  # type: ignore[arg-type]
    if isinstance(value, str) and len(value) <= _LONGEST:
        found = _NUMBER.fullmatch(value)
        return float(found[1]) if found else None
    return None


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer of more than 308 digits
        return math.inf if value > 0 else -math.inf


def unix_times(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The numbers that are seconds since 1970, NaN for the others; shape (n,)."""
    return np.where((values >= _EARLIEST) & (values <= LAST_TIME), values, np.nan)


def unix_time(value: object) -> float:
    """Seconds since 1970 from a number or an ISO date; NaN if it is neither."""
    told = number(value)
    if told is not None:
        return told if _EARLIEST <= told <= LAST_TIME else math.nan
    if not isinstance(value, str) or len(value) > _LONGEST:
        return math.nan
    try:
        date = datetime.fromisoformat(value.strip())
        seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return math.nan
    return seconds if _EARLIEST <= seconds <= LAST_TIME else math.nan
