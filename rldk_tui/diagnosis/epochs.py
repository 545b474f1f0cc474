"""Passes over the data: with a new one the prompts change, and a metric may step for that alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.beside import held, last_known
from rldk_tui.run import Rows
from rldk_tui.statistics.windows import Bools

LONG = 50
"""Logs an epoch must have had for the next one's beginning to mean anything: short ones begin somewhere near everything."""


@dataclass(frozen=True, slots=True)
class EpochPast:
    """What `began_with_epoch` keeps.

    Attributes:
        number: The epoch, counted from 1, and `since` which log.
        after_long: 1 if the epoch before was long.
        latest: The last logged epoch, with its fraction.
        low: Whether the last row was in trouble, and `excused` whether that trouble began with an epoch.
    """

    number: float = math.nan
    since: float = math.nan
    after_long: float = 0.0
    latest: float = math.nan
    low: bool = False
    excused: float = 0.0


def began_with_epoch(
    rows: Rows, at: NDArray[np.intp], counts: NDArray[np.intp], low: Bools, within: int, past: EpochPast
) -> tuple[Bools, EpochPast]:
    """Whether the trouble each row is in began with a new epoch.

    Args:
        rows: For the metric `epoch`, whose fraction is 0 in the last step of an epoch.
        at: The rows to judge.
        counts: How many logs there were up to each.
        low: Whether each is in trouble.
        within: Logs after the beginning of an epoch that count as with it.
        past: `EpochPast()` at first.
    """
    epochs, latest = last_known(rows, at, "epoch", past.latest)
    number = np.ceil(epochs)
    begins = np.flatnonzero(number > np.concatenate(([past.number], number))[:-1])
    everywhere = np.arange(at.size)
    begun = counts[begins].astype(np.float64)
    since, last_since = held(begins, begun, everywhere, past.since)
    length = begun - np.nan_to_num(np.concatenate(([past.since], begun))[:-1])
    after_long, last_long = held(begins, (length >= LONG).astype(np.float64), everywhere, past.after_long)
    starts = np.flatnonzero(low & ~np.concatenate(([past.low], low))[:-1])
    near = (counts - since <= within) & (after_long == 1.0)
    excused, last_excused = held(starts, near[starts].astype(np.float64), everywhere, past.excused)
    if not at.size:
        return excused == 1.0, past
    return excused == 1.0, EpochPast(float(number[-1]), last_since, last_long, latest, bool(low[-1]), last_excused)
