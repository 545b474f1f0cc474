"""What was measured on generations, batch by batch.

A batch that is trained on several times (`num_iterations`, `steps_per_generation`) is logged several times, and says
nothing new the second time. And one log holds one batch, however many steps the log stands for: windows here are counted in
batches, and no cadence shortens them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Verdict
from rldk_tui.events import Severity
from rldk_tui.run import Rows
from rldk_tui.statistics.trend import LARGEST
from rldk_tui.statistics.windows import NOTHING_YET, Floats, rolling

_ROW = re.compile(r"\d{1,16}/\d{1,9}", re.ASCII)
"""A generation as measurements name it: step and row."""
MOST = 1e9
"""Replies, groups and tokens that one batch can hold."""


def new_batches(rows: Rows, name: str, mark: float) -> tuple[NDArray[np.intp], Floats, float]:
    """The rows in which a measure was taken of a batch that was not on record in the row before, and the measure.

    Args:
        rows: The new rows.
        name: The measure.
        mark: What the last call returned, NaN at first.
    """
    at, values = finite_rows(rows, name)
    if not at.size:
        return at, values, mark
    marks = rows.column("samples/batch_mark").values[at]
    new = marks != np.concatenate(([mark], marks[:-1]))  # True where no mark is known
    return at[new], values[new], float(marks[-1])


def beside(rows: Rows, at: NDArray[np.intp], name: str, most: float = LARGEST, *, otherwise: float = math.nan) -> Floats:
    """Another measure of the same batches, cut to ±`most`; `otherwise` where it could not be taken."""
    known, values = finite_rows(rows, name)
    every = np.full(len(rows), otherwise)
    every[known] = values if most >= LARGEST else np.clip(values, -most, most)
    return every[at]


@dataclass(frozen=True, slots=True)
class Start:
    """The mean of the first batches, gathered while they come."""

    seen: int = 0
    sum: float = 0.0

    def grown(self, values: Floats, size: int) -> tuple[Floats, Start]:
        """The mean of the first `size` values at each new one, NaN until they were seen; and what is kept."""
        place = self.seen + np.arange(values.size)
        so_far = self.sum
        for value in values[place < size].tolist():  # one by one, so that no cut of the series changes the rounding
            so_far += value
        mean = so_far / size if self.seen + values.size >= size else math.nan
        return np.where(place >= size - 1, mean, np.nan), Start(self.seen + values.size, so_far)


@dataclass(frozen=True, slots=True)
class SharePast:
    """What `pooled_shares` keeps."""

    mark: float = math.nan
    bad: Floats = field(default_factory=lambda: NOTHING_YET)
    all: Floats = field(default_factory=lambda: NOTHING_YET)
    start: Start = field(default_factory=Start)


@dataclass(frozen=True, slots=True)
class Shares:
    """A share of the replies, batch by batch.

    Attributes:
        at: The rows of the batches.
        own: The share in each batch.
        pooled: The share among all replies of the last batches; NaN while they are too few.
        at_start: The mean share of the first batches; NaN until they are over.
    """

    at: NDArray[np.intp]
    own: Floats
    pooled: Floats
    at_start: Floats


def pooled_shares(
    rows: Rows, name: str, past: SharePast, *, batches: int, at_least: int, replies: float, start: int
) -> tuple[Shares, SharePast]:
    """A share pooled over the last batches.

    Args:
        rows: The new rows.
        name: The measure, a share of the replies on record.
        past: `SharePast()` at first.
        batches: Batches that are pooled.
        at_least: Batches, and `replies` in them, before anything is said.
        replies: See `at_least`.
        start: First batches that tell what is usual in this run.
    """
    at, own, mark = new_batches(rows, name, past.mark)
    own = np.clip(own, 0.0, 1.0)
    count = np.maximum(beside(rows, at, "samples/count", MOST, otherwise=0.0), 0.0)
    bad, bad_kept = rolling(own * count, past.bad, batches, at_least, total)
    everything, all_kept = rolling(count, past.all, batches, at_least, total)
    enough = everything >= max(replies, 1.0)  # False where there is no total yet
    pooled = np.full(at.size, np.nan)
    np.divide(bad, everything, out=pooled, where=enough)
    usual, kept = past.start.grown(own, start)
    return Shares(at, own, pooled, usual), SharePast(mark, bad_kept, all_kept, kept)


def share_verdict(found: Shares, rungs: Mapping[Severity, float], least: Floats, past: SharePast) -> Verdict[SharePast]:
    """Where the pooled share lies above a rung, and above `least`, which is never known to be passed while it is NaN.

    Args:
        found: From `pooled_shares`.
        rungs: In rising severity.
        least: What the share must lie above whatever the rung, one for each batch: what the start of the run allows.
        past: From `pooled_shares`.
    """
    level = np.zeros(found.at.size, np.int8)
    limit = np.full(found.at.size, next(iter(rungs.values())))
    for severity, rung in rungs.items():
        beyond = found.pooled > np.maximum(rung, least)
        level[beyond] = severity.rank
        limit[beyond] = np.maximum(rung, least)[beyond]
    first = next(iter(rungs.values()))
    return Verdict(
        at=found.at,
        breach=found.own > np.fmax(first, least),
        level=level,
        value=found.pooled,
        limit=limit,
        past=past,
        facts={"at_start": found.at_start},
    )


def examples(names: tuple[str, ...]) -> str:
    """Where to look, in words: `, e.g. row 3 of step 120`; nothing where no rows are named as `step/row`."""
    rows = [name.split("/") for name in names if _ROW.fullmatch(name)]
    return f", e.g. row {rows[-1][1]} of step {rows[-1][0]}" if rows else ""


def total(view: Floats) -> Floats:
    """The sum of each window, to be used with `rolling`."""
    result: Floats = np.add.reduce(view, axis=1, where=~np.isnan(view))
    return result
