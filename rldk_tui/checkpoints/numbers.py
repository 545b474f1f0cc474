"""Numbers out of files that may hold anything."""

from __future__ import annotations

from math import isfinite


def number(value: object) -> float | None:
    """A finite number as a float; None if it is anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if isfinite(value) else None
    except OverflowError:
        return None


def whole(value: object) -> int | None:
    """A count: a whole number from zero on; None if it is anything else."""
    found = number(value)
    return int(found) if found is not None and found >= 0 and found == int(found) else None
