"""The commonest shape of a row rule: a metric against a ladder of limits, smoothed and persistent.

Known safe bands call for a level with persistence, not for a z-score: a collapsed run is perfectly flat, and no deviation
from its own past will ever be seen in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.rule import Context, Verdict
from rldk_tui.events import Severity
from rldk_tui.run import Rows
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats, m_of_n, rolling_median


@dataclass(frozen=True, slots=True)
class LevelPast:
    """What a level rule keeps: the values of its median, and the flags of each rung's persistence."""

    values: Floats = field(default_factory=lambda: NOTHING_YET)
    flags: tuple[Floats, ...] = ()


@dataclass(frozen=True, slots=True)
class Rung:
    """Beyond `limit` in `m` of `n` rows the run is in trouble of this severity."""

    limit: float
    severity: Severity
    m: int = 1
    n: int = 1


def watch_levels(
    values: Floats, at: NDArray[np.intp], past: LevelPast, rungs: tuple[Rung, ...], *, median: int = 1, at_least: int = 1
) -> Verdict[LevelPast]:
    """Where the rolling median of `values` lies above the rungs. For a lower limit, negate values and limits.

    Args:
        values: shape (n,), finite, one for each row of `at`.
        at: shape (n,), the rows these values are of.
        past: `LevelPast()` at first.
        rungs: In rising severity.
        median: Values in the smoothing window.
        at_least: Values it must hold before anything is said.
    """
    smooth, kept = rolling_median(values, past.values, median, at_least)
    level = np.zeros(values.size, np.int8)
    limit = np.full(values.size, rungs[0].limit)
    flags = []
    for index, rung in enumerate(rungs):
        beyond = smooth > rung.limit  # False where the median does not speak yet
        before = past.flags[index] if past.flags else NOTHING_YET
        held, after = m_of_n(beyond, before, rung.m, rung.n)
        flags.append(after)
        level[held] = rung.severity.rank
    return Verdict(
        at=at,
        breach=values > rungs[0].limit,
        level=level,
        value=smooth,
        limit=limit,
        past=LevelPast(kept, tuple(flags)),
    )


def graded(conditions: Sequence[Bools], ranks: Sequence[int]) -> NDArray[np.int8]:
    """The rank that goes with the first condition that holds at each row, 0 where none does.

    `numpy.select` for ranks, without its checks: for a single row those cost more than the rest of a rule.
    """
    level = np.zeros(conditions[0].shape, np.int8)
    for condition, rank in zip(reversed(conditions), reversed(ranks), strict=True):
        level[condition] = rank
    return level


def finite_rows(rows: Rows, name: str) -> tuple[NDArray[np.intp], Floats]:
    """The rows in which the metric is a finite number, and those numbers, cut to what sums and products can bear."""
    return rows.finite_numbers(name)


def scope_rows(rows: Rows, context: Context) -> tuple[NDArray[np.intp], Floats]:
    """`finite_rows` of the metric the walk is about."""
    return finite_rows(rows, context.scope)


def nothing(past: Any) -> Verdict[Any]:
    """A verdict on no row at all."""
    empty = np.empty(0)
    return Verdict(
        at=np.empty(0, np.intp), breach=np.empty(0, np.bool_), level=np.empty(0, np.int8), value=empty, limit=empty, past=past
    )
