"""Whether two runs differ in a metric by more than its noise, which is better, and since when."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from rldk_tui.comparison.alignment import Pairs
from rldk_tui.events import Algorithm
from rldk_tui.metrics import Direction, lookup
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.statistics.paired_bootstrap import FEWEST, MeanDifference, mean_difference
from rldk_tui.statistics.windows import Floats

_END = 0.25
"""Share of what both ran that stands for where they ended."""
_ENOUGH = 40
"""Pairs that it has at least, as far as that is not more than half of a run."""


class Outcome(StrEnum):
    """What the second run is, compared with the first."""

    BETTER = "better"
    WORSE = "worse"
    DIFFERENT = "different"
    NOISE = "within noise"
    UNKNOWN = "cannot be told"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One metric of two runs, over the last quarter of what both ran; up to half of short runs.

    Attributes:
        wanted: The direction it takes in a run that goes well.
        pairs: Places at which both have it, of the whole run.
        judged: Those of them that are judged.
        first, second: The runs' means over these.
        difference, low, high: Second less first, and the interval that holds the true difference 99 times of 100; None
            where it cannot be told.
        since: The place from which on they differ as they do at the end; None where they do not.
    """

    metric: str
    wanted: Direction
    pairs: int
    judged: int
    first: float | None
    second: float | None
    difference: float | None
    low: float | None
    high: float | None
    outcome: Outcome
    since: float | None


def wanted(name: str, algorithm: Algorithm | None) -> Direction:
    """Which way a metric should move; a loss falls where it is what is learned, and says nothing elsewhere."""
    if name.removeprefix("eval/") == "loss":
        return Direction.DOWN if algorithm is not None and algorithm not in ONLINE else Direction.NEITHER
    return lookup(name).direction


def judged(name: str, pairs: Pairs, algorithm: Algorithm | None) -> Judgement:
    """The judgement of one metric."""
    size = pairs.places.size
    end = slice(-_at_the_end(size), None) if size else slice(0, 0)
    first, second = pairs.first[end], pairs.second[end]
    differences = pairs.second - pairs.first
    found = mean_difference(differences[end])
    direction = wanted(name, algorithm)
    return Judgement(
        metric=name,
        wanted=direction,
        pairs=size,
        judged=first.size,
        first=float(first.mean()) if first.size else None,
        second=float(second.mean()) if second.size else None,
        difference=None if found is None else found.mean,
        low=None if found is None else found.low,
        high=None if found is None else found.high,
        outcome=_outcome(found, direction),
        since=None if found is None or not found.clear else _since(pairs.places, differences, found, first.size),
    )


def _at_the_end(size: int) -> int:
    """How many of so many pairs are judged."""
    return min(size, max(FEWEST, math.ceil(_END * size), min(_ENOUGH, size // 2)))


def _outcome(found: MeanDifference | None, direction: Direction) -> Outcome:
    if found is None:
        return Outcome.UNKNOWN
    if not found.clear:
        return Outcome.NOISE
    if direction is Direction.NEITHER:
        return Outcome.DIFFERENT
    return Outcome.BETTER if (found.mean > 0) == (direction is Direction.UP) else Outcome.WORSE


def _since(places: Floats, differences: Floats, found: MeanDifference, window: int) -> float:
    """The beginning of the first of all windows up to the end whose mean lies beyond the noise, on the side of the end."""
    sums = np.concatenate((np.zeros(1), np.cumsum(differences)))
    means = (sums[window:] - sums[:-window]) / window
    reach = (found.high - found.low) / 2
    apart = means > reach if found.mean > 0 else means < -reach
    near = np.flatnonzero(~apart)
    return (
        float(places[near[-1] + 1])
        if near.size and near[-1] + 1 < means.size
        else float(places[0 if not near.size else means.size - 1])
    )
