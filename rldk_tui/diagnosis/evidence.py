"""Enough of a metric for any face to draw why a finding was made."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.rule import Episode
from rldk_tui.events import Evidence
from rldk_tui.metrics import lookup
from rldk_tui.run import Kind, Rows, Segment
from rldk_tui.statistics.trend import LARGEST

POINTS = 48
"""Points of evidence a finding carries: a chart in any face, and a line of JSON that stays readable."""
_CONTEXT = 1.0
"""How much is shown before the onset, in lengths of the episode."""


class Evidences:
    """The evidence of each episode, drawn anew only when it has grown by a sixty-fourth of itself.

    What is shown of an episode is a function of the episode alone, so it does not matter when it was drawn; and an
    episode that stays open for a million rows is not read again at every one of them.
    """

    def __init__(self) -> None:
        self._drawn: dict[tuple[str, str, int, int], _Drawn] = {}

    def forget(self, launch: str) -> None:
        """Something settled has changed in the launch of this key."""
        self._drawn = {key: drawn for key, drawn in self._drawn.items() if key[0] != launch}

    def of(self, episode: Episode, segment: Segment) -> Evidence:
        """The metric from before the onset to the end of an episode of this launch."""
        length = max(10, episode.last_step - episode.first_step)
        grain = 1 << max(0, length.bit_length() - 7)
        until = episode.last_step - (episode.last_step - episode.first_step) % grain
        since = episode.first_step - math.ceil(_CONTEXT * (length // grain * grain))
        key = (segment.key, episode.scope, since, until)
        drawn = self._drawn.get(key)
        if drawn is None:
            drawn = _draw(segment.rows, episode.scope, since, until)
            settled = segment.rows.steps[: segment.settled]
            if settled.size and until <= int(settled[-1]):
                self._drawn[key] = drawn
        return Evidence(
            metric=episode.scope,
            unit=lookup(episode.scope).unit_in(segment.info.algorithm) or None,
            steps=drawn.steps,
            values=drawn.values,
            limit=None if math.isnan(episode.limit) else episode.limit,
            peak=None if math.isnan(episode.peak) else episode.peak,
            peak_step=episode.peak_step,
        )


@dataclass(frozen=True, slots=True)
class _Drawn:
    steps: tuple[int, ...]
    values: tuple[float | None, ...]


def _draw(rows: Rows, name: str, since: int, until: int) -> _Drawn:
    """The logged values of a metric in these steps, thinned to `POINTS` with its extremes kept."""
    low, high = int(np.searchsorted(rows.steps, since)), int(np.searchsorted(rows.steps, until, side="right"))
    shown = rows[low:high]
    column = shown.column(name)
    present = np.flatnonzero(column.codes)
    values, kinds = column.values[present], column.kinds[present]
    picked = _thin(values, kinds)
    return _Drawn(
        steps=tuple(int(step) for step in shown.steps[present[picked]]),
        values=tuple(None if kinds[index] == Kind.NULL else float(values[index]) for index in picked),
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
