"""Enough of a metric for any face to draw why a finding was made."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.rule import Episode
from rldk_tui.events import Evidence
from rldk_tui.metrics import lookup
from rldk_tui.run import Kind, RunSnapshot
from rldk_tui.statistics.trend import LARGEST

POINTS = 48
"""Points of evidence a finding carries: a chart in any face, and a line of JSON that stays readable."""
_CONTEXT = 1.0
"""How much is shown before the onset, in lengths of the episode."""


def evidence_of(episode: Episode, snapshot: RunSnapshot) -> Evidence:
    """The metric from before the onset to the end of the episode, thinned to `POINTS` with its extremes kept."""
    length = max(10, episode.last_step - episode.first_step)
    before = episode.first_step - math.ceil(_CONTEXT * length)
    series = snapshot.series(episode.scope, before, episode.last_step)
    picked = _thin(series.values, series.kinds)
    return Evidence(
        metric=episode.scope,
        unit=lookup(episode.scope).unit_in(snapshot.info.algorithm) or None,
        steps=tuple(int(step) for step in series.steps[picked]),
        values=tuple(None if series.kinds[index] == Kind.NULL else float(series.values[index]) for index in picked),
        limit=None if math.isnan(episode.limit) else episode.limit,
        peak=None if math.isnan(episode.peak) else episode.peak,
        peak_step=episode.peak_step,
    )


def _thin(values: NDArray[np.float64], kinds: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Indices of at most `POINTS` values: evenly spread, each stretch by its most telling value.

    A value that is no number tells most; otherwise the one farthest from the median of them all.
    """
    if values.size <= POINTS:
        return np.arange(values.size)
    finite = kinds == Kind.FINITE
    within = np.clip(values, -LARGEST, LARGEST)
    centre = float(np.median(within[finite])) if finite.any() else 0.0
    telling = np.where(finite, np.abs(within - centre), np.inf)
    edges = np.linspace(0, values.size, POINTS + 1).astype(np.intp)
    return np.array([low + int(np.argmax(telling[low:high])) for low, high in pairwise(edges)], np.intp)
