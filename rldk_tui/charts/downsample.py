"""A long series as few points that still show every extreme and everything that was no number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Points:
    """What is left of a series; all arrays have one entry a point.

    Attributes:
        steps: Not falling.
        values: NaN or ±inf where that (or None) was logged.
        kinds: Whatever the series said of each point.
    """

    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    kinds: NDArray[np.uint8]

    def __len__(self) -> int:
        return int(self.steps.size)


def downsample(steps: NDArray[np.int64], values: NDArray[np.float64], kinds: NDArray[np.uint8], most: int) -> Points:
    """At most `most` of the points, in their order.

    Kept are the first and the last point and, of each of equally many stretches, the lowest and the highest finite value
    and the first of each sort of value that is not finite. So the range of the series is kept, and a NaN, an infinity or
    a None stays where it was.

    Raises:
        ValueError: if `most` is too small for a single stretch (10 is always enough for a run's series).
    """
    size = int(steps.size)
    if size <= most:
        return Points(steps, values, kinds)
    sorts = _sorts(values, kinds)
    stretches = (most - 2) // (2 + len(sorts))
    if stretches < 1:
        raise ValueError(f"{most} points cannot show the extremes and {len(sorts)} sorts of non-finite values")
    length = -(-size // stretches)
    finite = np.isfinite(values)
    kept = [np.array([0, size - 1])]
    kept.append(_first_in_stretches(np.where(finite, values, np.inf), np.argmin, np.inf, length))
    kept.append(_first_in_stretches(np.where(finite, values, -np.inf), np.argmax, -np.inf, length))
    for wanted in sorts:
        there = np.flatnonzero(wanted)
        _, first = np.unique(there // length, return_index=True)
        kept.append(there[first])
    index = np.unique(np.concatenate(kept))
    return Points(steps[index], values[index], kinds[index])


def _sorts(values: NDArray[np.float64], kinds: NDArray[np.uint8]) -> list[NDArray[np.bool_]]:
    """Where each sort of non-finite value is: NaN and the infinities, told apart by kind."""
    odd = ~np.isfinite(values)
    if not odd.any():
        return []
    shapes = (np.isnan(values), np.isposinf(values), np.isneginf(values))
    masks = [odd & shape & (kinds == kind) for kind in np.unique(kinds[odd]) for shape in shapes]
    return [mask for mask in masks if mask.any()]


def _first_in_stretches(values: NDArray[np.float64], pick: Any, fill: float, length: int) -> NDArray[np.intp]:
    """The index `pick` chooses in each stretch of `length`; stretches that are `fill` throughout have none."""
    stretches = -(-values.size // length)
    padded = np.full(stretches * length, fill)
    padded[: values.size] = values
    table = padded.reshape(stretches, length)
    best: NDArray[np.intp] = pick(table, axis=1)
    chosen = np.add(best, np.arange(stretches, dtype=np.intp) * length, dtype=np.intp)
    kept: NDArray[np.intp] = chosen[padded[chosen] != fill]
    return kept
