"""Which part of the run a chart shows, how, and where its crosshair stands: pure values, whoever draws them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

SMOOTHING = (1, 5, 10, 20, 50, 100, 200)
"""Logs that are averaged, from none to many."""
_LEAST_STEPS = 8
"""A window is never narrower."""


@dataclass(frozen=True, slots=True)
class ChartWindow:
    """What is looked at. Steps as the trainer counts them.

    Attributes:
        width: Steps that are shown; None for the whole run.
        last: The last of them; None follows the run.
        at: The crosshair's step; None for the newest log.
        level: Place in `SMOOTHING`.
        log: Whether the value axis is logarithmic.
    """

    width: int | None = None
    last: int | None = None
    at: int | None = None
    level: int = 0
    log: bool = False

    @property
    def smoothing(self) -> int:
        """Logs that are averaged; 1 for none."""
        return SMOOTHING[self.level]

    def bounds(self, extent: tuple[int, int]) -> tuple[int, int]:
        """The first and the last step shown of a run that goes from one step to another."""
        begin, end = extent
        last = end if self.last is None else max(begin, min(self.last, end))
        return (begin if self.width is None else max(begin, last - self.width), last)

    def zoomed(self, factor: float, extent: tuple[int, int]) -> ChartWindow:
        """Narrower (a factor below 1) or wider, the crosshair staying where it is on the screen."""
        first, last = self.bounds(extent)
        width = max(_LEAST_STEPS, round((last - first) * factor))
        if width >= extent[1] - extent[0]:
            return replace(self, width=None, last=None)
        at = min(max(first, last if self.at is None else self.at), last)
        share = (at - first) / (last - first) if last > first else 1.0
        return self._ending_at(round(at + (1.0 - share) * width), width, extent)

    def panned(self, share: float, extent: tuple[int, int]) -> ChartWindow:
        """Moved by a share of its width."""
        if self.width is None:
            return self
        _, last = self.bounds(extent)
        return self._ending_at(last + round(share * self.width), self.width, extent)

    def pointed(self, step: int, extent: tuple[int, int]) -> ChartWindow:
        """With the crosshair at this step, the window moved there if need be."""
        first, last = self.bounds(extent)
        if first <= step <= last:
            return replace(self, at=step)
        width = last - first
        return replace(self._ending_at(step if step > last else step + width, width, extent), at=step)

    def stepped(self, by: int, steps: NDArray[np.int64], extent: tuple[int, int]) -> ChartWindow:
        """With the crosshair so many logs further on; behind the newest one it follows the run."""
        if not steps.size:
            return self
        here = int(steps.size) - 1 if self.at is None else int(np.searchsorted(steps, self.at))
        there = min(max(0, here + by), int(steps.size) - 1)
        moved = self.pointed(int(steps[there]), extent)
        return replace(moved, at=None, last=None) if there == steps.size - 1 and by > 0 else moved

    def smoother(self, by: int) -> ChartWindow:
        """Averaged over more or fewer logs."""
        return replace(self, level=min(max(0, self.level + by), len(SMOOTHING) - 1))

    def _ending_at(self, last: int, width: int, extent: tuple[int, int]) -> ChartWindow:
        last = max(last, extent[0] + width)
        return replace(self, width=width, last=None if last >= extent[1] else last)


def smoothed(values: NDArray[np.float64], logs: int) -> NDArray[np.float64]:
    """The mean of the finite values among each value and those before it, so many in all; NaN without any.

    Only what had been logged by then goes in, so the line says nothing at a step that could not be known there.
    """
    finite = np.isfinite(values)
    with np.errstate(over="ignore", invalid="ignore"):
        total = np.concatenate([[0.0], np.cumsum(np.where(finite, values, 0.0))])
        count = np.concatenate([[0], np.cumsum(finite)])
        end = np.arange(1, values.size + 1)
        begin = np.maximum(0, end - logs)
        known = count[end] - count[begin]
        mean = (total[end] - total[begin]) / np.maximum(1, known)
    return np.where(known > 0, mean, np.nan)
