"""Whether the pull to the reference is still there, as the log tells it: the term in the loss, its coefficient, its effect."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.beside import RewardPast, direction_of, held
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.run import Rows
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats, m_of_n, rolling_median, windows

_TOLD = 0.05
"""|KL| below which the ratio of penalty to KL is mostly rounding."""
_SMOOTH = 5
_SPENT = 1e-12


@dataclass(frozen=True, slots=True)
class TermPast:
    """What `without_term` keeps: how many logs there were, how many had a KL, and the number of the last of these."""

    logs: int = 0
    with_kl: int = 0
    last_kl: int = 0


def without_term(
    rows: Rows, at: NDArray[np.intp], known: int, always: float, past: TermPast
) -> tuple[NDArray[np.int64], TermPast]:
    """For how many logs the KL has been missing at each row; 0 where it is there or never was there regularly.

    Args:
        rows: For the metric `kl`.
        at: The rows of training steps.
        known: Logs with a KL there must have been before.
        always: The share of the logs up to the last KL that had one.
        past: `TermPast()` at first.
    """
    there = rows.column("kl").present[at]
    logs = past.logs + 1 + np.arange(at.size)
    with_kl = past.with_kl + np.cumsum(there)
    last_kl = np.maximum.accumulate(np.concatenate(([past.last_kl], np.where(there, logs, 0))))[1:]
    regular = (with_kl >= known) & (with_kl >= always * last_kl)
    missing = np.where(regular, logs - last_kl, 0)
    if not at.size:
        return missing, past
    return missing, TermPast(int(logs[-1]), int(with_kl[-1]), int(last_kl[-1]))


@dataclass(frozen=True, slots=True)
class CoefficientPast:
    """What `coefficient_gone` keeps: the values of the median, the highest median, flags, and the last word."""

    values: Floats = field(default_factory=lambda: NOTHING_YET)
    highest: float = math.nan
    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    latest: float = 0.0


def coefficient_gone(
    rows: Rows, at: NDArray[np.intp], share: float, n: int, past: CoefficientPast
) -> tuple[Bools, Bools, CoefficientPast]:
    """Whether at each row the coefficient is next to nothing, measured by the highest it was, and whether for `n` logs.

    The coefficient is logged, or it is the ratio of the logged penalty to the KL.
    """
    if not {"kl_coef", "kl_penalty"} & rows.columns.keys():
        never = np.zeros(at.size, np.bool_)
        return never, never, past
    logged, kl, penalty = (_spread_out(rows, name) for name in ("kl_coef", "kl", "kl_penalty"))
    told = np.abs(kl) >= _TOLD  # False where there is none
    implied = np.divide(np.abs(penalty), np.abs(kl), out=np.full(len(rows), np.nan), where=told)
    known = np.where(np.isnan(logged), implied, np.abs(logged))
    where = np.flatnonzero(~np.isnan(known))
    coefficient = known[where]
    smooth, values = rolling_median(coefficient, past.values, _SMOOTH, _SMOOTH)
    highest = np.fmax.accumulate(np.concatenate(([past.highest], smooth)))
    nothing = (coefficient <= share * highest[1:]) & (highest[1:] > _SPENT)
    gone, flags = m_of_n(nothing, past.flags, n, n)
    said, latest = held(where, nothing.astype(np.float64) + gone, at, past.latest)
    return said > 0.0, said == 2.0, CoefficientPast(values, float(highest[-1]), flags, latest)


def _spread_out(rows: Rows, name: str) -> Floats:
    """A metric with one entry a row, NaN where it is no finite number."""
    where, values = finite_rows(rows, name)
    result = np.full(len(rows), np.nan)
    result[where] = values
    return result


@dataclass(frozen=True, slots=True)
class GrowthPast:
    """What `growth` keeps: the values of the median, the last medians, the last words, and the direction."""

    values: Floats = field(default_factory=lambda: NOTHING_YET)
    medians: Floats = field(default_factory=lambda: NOTHING_YET)
    latest: tuple[float, float] = (math.nan, math.nan)
    direction: RewardPast = field(default_factory=RewardPast)


def growth(rows: Rows, at: NDArray[np.intp], size: int, ago: int, past: GrowthPast) -> tuple[Floats, Floats, GrowthPast]:
    """The KL's median at each row where it rises significantly, and what it was `ago` logs before; NaN elsewhere.

    Args:
        rows: For the metric `kl`.
        at: The rows to know it for.
        size: Logs in the median.
        ago: How many logs before.
        past: `GrowthPast()` at first.
    """
    where, kl = finite_rows(rows, "kl")
    smooth, values = rows.once(("median", "kl", size), lambda: rolling_median(kl, past.values, size, size))
    span, medians = windows(smooth, past.medians, ago + 1)
    direction, kept = direction_of(rows, at, "kl", past.direction)
    rises = direction == 1.0
    now, latest_now = held(where, smooth, at, past.latest[0])
    before, latest_before = held(where, span[:, 0], at, past.latest[1])
    found = GrowthPast(values, medians, (latest_now, latest_before), kept)
    return np.where(rises, now, np.nan), np.where(rises, before, np.nan), found
