"""How long the replies are, from whichever metric tells it best.

Replies that ended by themselves are the better measure: those that were cut off are as long as the limit, whatever the policy
wants. Where most are cut off, the few that ended are the short ones, and say nothing of the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.usual import UsualPast, usual
from rldk_tui.run import Rows
from rldk_tui.statistics.windows import NOTHING_YET, Floats, rolling_median

READS = ("completions/mean_terminated_length", "completions/mean_length", "samples/length_mean")
"""In the order of preference."""
MOST_CUT = 0.5
"""Share of replies cut off from which those that ended do not stand for all."""
SMOOTH = 10
FIRST = 20
"""Logs that say how long the replies were at first."""


@dataclass(frozen=True, slots=True)
class LengthPast:
    """What `lengths` keeps."""

    recent: Floats = field(default_factory=lambda: NOTHING_YET)
    first: UsualPast = field(default_factory=UsualPast)
    seen: int = 0


@dataclass(frozen=True, slots=True)
class Lengths:
    """At each row with a length, shape (n,).

    Attributes:
        at: The rows, and `counts` how many there were up to each.
        values: The mean length.
        middle: Its median over the last logs.
        first: Its median over the first ones, NaN while they are coming in.
    """

    at: NDArray[np.intp]
    counts: NDArray[np.intp]
    values: Floats
    middle: Floats
    first: Floats


def lengths(rows: Rows, metric: str, past: LengthPast, size: int) -> tuple[Lengths, LengthPast]:
    """The lengths of new rows, smoothed over `size` logs, beside those of the first rows."""
    at, values = finite_rows(rows, metric)
    telling = values > 0  # 0 is logged where none ended
    if metric == READS[0]:
        cut = rows.column("completions/clipped_ratio")
        telling &= ~(cut.finite[at] & (cut.values[at] > MOST_CUT))
    at, values = at[telling], values[telling]
    middle, recent = rolling_median(values, past.recent, size, size)
    first, kept = usual(values[None, :], past.first, skip=0, size=FIRST, gap=0, at_least=FIRST)
    counts = past.seen + 1 + np.arange(at.size)
    return Lengths(at, counts, values, middle, first[0]), LengthPast(recent, kept, past.seen + at.size)
