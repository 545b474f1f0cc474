"""Passes over the data: with a new one the prompts change, and a metric may step for that alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.beside import held, last_known
from rldk_tui.run import Rows
from rldk_tui.statistics.windows import Bools, Floats

LONG = 50
"""Logs an epoch must have had for the next one's beginning to mean anything: short ones begin somewhere near everything."""


@dataclass(frozen=True, slots=True)
class EpochPast:
    """What `best_of_epoch` keeps.

    Attributes:
        number: The epoch, counted from 1, and `since` which log.
        after_long: 1 if the epoch before was long.
        latest: The last logged epoch, with its fraction.
        best: The best of this epoch.
    """

    number: float = math.nan
    since: float = math.nan
    after_long: float = 0.0
    latest: float = math.nan
    best: float = math.nan


def best_of_epoch(
    rows: Rows, at: NDArray[np.intp], counts: NDArray[np.intp], middle: Floats, size: int, past: EpochPast
) -> tuple[Floats, Bools, EpochPast]:
    """The best median within the epoch each row belongs to, and whether that epoch follows a long one.

    Args:
        rows: For the metric `epoch`, whose fraction is 0 in the last step of an epoch.
        at: The rows to judge.
        counts: How many logs there were up to each.
        middle: The median at each, over `size` logs; one that reaches back into the epoch before does not count.
        size: See `middle`.
        past: `EpochPast()` at first.

    Returns:
        The best, NaN while there is none; whether the epoch before was long; the new past.
    """
    epochs, latest = last_known(rows, at, "epoch", past.latest)
    number = np.ceil(epochs)
    begins = np.flatnonzero(number > np.concatenate(([past.number], number))[:-1])
    everywhere = np.arange(at.size)
    begun = counts[begins].astype(np.float64)
    since, last_since = held(begins, begun, everywhere, past.since)
    length = begun - np.nan_to_num(np.concatenate(([past.since], begun))[:-1], nan=1.0)
    long = length >= LONG
    after_long, last_long = held(begins, long.astype(np.float64), everywhere, past.after_long)
    inside = np.where(counts - np.nan_to_num(since, nan=1.0) + 1 >= size, middle, np.nan)
    best, before = np.empty(at.size), past.best
    for low, high in pairwise((0, *begins[long].tolist(), at.size)):
        if high > low:
            best[low:high] = np.fmax.accumulate(np.concatenate(([before], inside[low:high])))[1:]
        before = math.nan
    if not at.size:
        return best, after_long == 1.0, past
    return best, after_long == 1.0, EpochPast(float(number[-1]), last_since, last_long, latest, float(best[-1]))
