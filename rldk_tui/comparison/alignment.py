"""The logs of one metric in two runs, paired by where in the training they are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from rldk_tui.errors import UserError
from rldk_tui.run import Kind, RunSnapshot
from rldk_tui.statistics.trend import LARGEST

MOST = 2000
"""Pairs of a metric; more logs are averaged."""
_MOSTLY = 0.8
"""Share of the sparser run's logs that must lie at places of the other one, or both are averaged over stretches."""


class Axis(StrEnum):
    """What training progress is measured in."""

    STEP = "step"
    TOKENS = "tokens"


@dataclass(frozen=True, slots=True)
class Curve:
    """The finite values of a metric over the training.

    Attributes:
        places: Shape (n,), rising: steps, or tokens trained on.
        values: Shape (n,).
    """

    places: NDArray[np.float64]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Two curves at the same places, shape (n,) each."""

    places: NDArray[np.float64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]


def curve(snapshot: RunSnapshot, name: str, axis: Axis) -> Curve:
    """A metric of a run.

    Raises:
        UserError: if the run counted no tokens and they are asked for.
    """
    series = snapshot.series(name)
    known = series.kinds == Kind.FINITE
    steps = series.steps[known].astype(np.float64)
    values = np.clip(series.values[known], -LARGEST, LARGEST)
    if axis is Axis.STEP:
        return Curve(steps, values)
    return Curve(_tokens(snapshot, steps), values)


def _tokens(snapshot: RunSnapshot, steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tokens trained on at these steps, by the rises of the counter, which starts anew in some trainers on resume."""
    counted = snapshot.series("num_tokens")
    known = np.isfinite(counted.values)
    if not known.any():
        raise UserError(
            f"{snapshot.name} does not log how many tokens it trained on.", "Compare by steps: leave out --by tokens."
        )
    rises = np.diff(np.clip(counted.values[known], 0.0, LARGEST), prepend=0.0)
    whole = np.cumsum(np.where(rises > 0, rises, 0.0))
    at: NDArray[np.float64] = np.interp(steps, counted.steps[known].astype(np.float64), whole)
    return at


def paired(first: Curve, second: Curve) -> Pairs:
    """Both at the same places of what both ran: as logged where they log together, else averaged over equal stretches."""
    if not first.places.size or not second.places.size:
        return _NONE
    low = max(first.places[0], second.places[0])
    high = min(first.places[-1], second.places[-1])
    first, second = _between(first, low, high), _between(second, low, high)
    fewer = min(first.places.size, second.places.size)
    if not fewer:
        return _NONE
    places, mine, theirs = np.intersect1d(first.places, second.places, return_indices=True)
    if _MOSTLY * fewer <= places.size <= MOST:
        return Pairs(places, first.values[mine], second.values[theirs])
    return _averaged(first, second, min(fewer, MOST), float(low), float(high))


_NONE = Pairs(np.empty(0), np.empty(0), np.empty(0))


def _between(whole: Curve, low: float, high: float) -> Curve:
    inside = (whole.places >= low) & (whole.places <= high)
    return Curve(whole.places[inside], whole.values[inside])


def _averaged(first: Curve, second: Curve, stretches: int, low: float, high: float) -> Pairs:
    edges = np.linspace(low, high, stretches + 1)
    mine, theirs = _means(first, edges), _means(second, edges)
    both = np.isfinite(mine) & np.isfinite(theirs)
    return Pairs((edges[:-1] / 2 + edges[1:] / 2)[both], mine[both], theirs[both])


def _means(of: Curve, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of each stretch; NaN where nothing was logged."""
    stretches = edges.size - 1
    place = np.clip(np.searchsorted(edges, of.places, side="right") - 1, 0, stretches - 1)
    counts = np.bincount(place, minlength=stretches)
    sums = np.bincount(place, of.values, minlength=stretches)
    return np.where(counts > 0, sums / np.maximum(1, counts), np.nan)
