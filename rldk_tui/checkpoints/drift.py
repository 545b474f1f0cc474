"""How far the weights have gone, checkpoint by checkpoint.

From traces, so that a run of many checkpoints takes one pass over each, and those that are deleted by now still count.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from rldk_tui.checkpoints.figures import Compared
from rldk_tui.checkpoints.trace import Movement


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """All weights together against an earlier checkpoint.

    Attributes:
        steps: Since that; None if unknown.
        relative: ‖ΔW‖/‖W‖; NaN if it cannot be told.
        untold: Tensors that changed by an amount that their traces do not tell, and are left out.
    """

    steps: int | None
    relative: float
    untold: int

    @property
    def per_step(self) -> float:
        """Of one step, if all had gone the same way; NaN if their number is not known."""
        return self.relative / self.steps if self.steps else math.nan


def drift(change: Compared) -> Drift:
    """The drift over all tensors that are in both."""
    told = [moved for moved in change.movements.values() if math.isfinite(moved.square_change)]
    return Drift(steps=change.steps, relative=_relative(told), untold=len(change.movements) - len(told))


def _relative(movements: Iterable[Movement]) -> float:
    movements = tuple(movements)
    before = math.fsum(moved.square_before for moved in movements)
    return math.sqrt(math.fsum(moved.square_change for moved in movements) / before) if before > 0 else math.nan
