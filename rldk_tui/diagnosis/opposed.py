"""One number falls while the reward that the policy is paid rises: the reward is bought with it.

Both are compared with where they stood when the falling one was at its best: the reward must have gained since then, the other
must have lost, by a trend and by more than it jitters. That is asked of no single log, and a number that stays low after its
fall stays counted, although it does not fall any further.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.beside import SmoothPast, held, smoothed
from rldk_tui.diagnosis.components import TOTAL
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.run import Rows
from rldk_tui.statistics.spread import TO_SIGMA
from rldk_tui.statistics.trend import DirectionPast, rolling_direction
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats, m_of_n, median, rolling_median

TREND, EVERY, EARLY = 64, 32, 4
"""Logs a fall is tested over, and how many lie between two tests; while there are fewer, all of them, and more often."""
EVALUATIONS = 3
"""Evaluations in a row that must lie low: they are few, and each is an average already."""
_SMOOTH = 5
_JITTER = 32
_FIRST_JITTER = 4
_SURE = 4.0
"""Jitters that count as a move: what reward-collapse asks for."""
_FAR = 10.0
"""Jitters from which a fall needs no trend any more, once there was one."""


@dataclass(frozen=True, slots=True)
class Peak:
    """When the falling number was at its best: the value, which log it was, and the reward then.

    Attributes:
        down: The last log at which it was falling.
        begun: The first reward of all, for a best that was seen before any.
    """

    height: float = math.nan
    log: float = math.nan
    total: float = math.nan
    down: float = math.nan
    begun: float = math.nan


@dataclass(frozen=True, slots=True)
class OpposedPast:
    """What `opposed` keeps; `totals` and `known` are the last values of the reward and of the number."""

    seen: int = 0
    total: SmoothPast = field(default_factory=SmoothPast)
    totals: Floats = field(default_factory=lambda: NOTHING_YET)
    values: Floats = field(default_factory=lambda: NOTHING_YET)
    known: Floats = field(default_factory=lambda: NOTHING_YET)
    early: DirectionPast = field(default_factory=DirectionPast)
    direction: DirectionPast = field(default_factory=DirectionPast)
    low: Floats = field(default_factory=lambda: NOTHING_YET)
    peak: Peak = field(default_factory=Peak)


@dataclass(frozen=True, slots=True)
class Opposed:
    """At each row of the falling number, shape (n,).

    Attributes:
        at: The rows.
        middle: Its median over the last logs.
        best: The highest such median so far.
        drop: How far below it lies.
        fell: Whether that is a fall: a trend since the best, and more than jitter.
        total: The reward's median.
        gained: Whether the reward is clearly above what it was at the best.
        total_then: What it was then.
    """

    at: NDArray[np.intp]
    middle: Floats
    best: Floats
    drop: Floats
    fell: Bools
    total: Floats
    gained: Bools
    total_then: Floats


def opposed(rows: Rows, metric: str, past: OpposedPast, *, sparse: bool = False) -> tuple[Opposed, OpposedPast]:
    """What the metric did while the reward rose; worked out once for all rules.

    Args:
        rows: The new rows.
        metric: The number that may fall.
        past: `OpposedPast()` at first.
        sparse: Whether its values are evaluations, of which a run has few.
    """
    return rows.once(("opposed", metric, sparse), lambda: _opposed(rows, metric, past, sparse))


def _opposed(rows: Rows, metric: str, past: OpposedPast, sparse: bool) -> tuple[Opposed, OpposedPast]:
    at, values = finite_rows(rows, metric)
    total, total_past = smoothed(rows, at, TOTAL, _SMOOTH, past.total)
    size = 1 if sparse else _SMOOTH
    middle, kept = rolling_median(values, past.values, size, size)
    direction, early_past, direction_past = _no_direction(values, past) if sparse else _direction(values, past)
    heights = np.fmax.accumulate(np.concatenate(([past.peak.height], middle)))
    drop = heights[1:] - middle
    then, falling, peak = _since_the_peak(middle, heights, total, direction, past)
    suspect = np.flatnonzero(drop > 0 if sparse else falling)
    beyond, far = np.zeros(at.size, np.bool_), np.zeros(at.size, np.bool_)
    jitter, known = _jitter(values, past.known, suspect + 1)
    beyond[suspect], far[suspect] = drop[suspect] > _SURE * jitter, drop[suspect] > _FAR * jitter
    low, low_flags = m_of_n(beyond, past.low, EVALUATIONS, EVALUATIONS) if sparse else (beyond, past.low)
    fell = low if sparse else (beyond & (direction == -1.0)) | far
    gained = np.zeros(at.size, np.bool_)
    where, totals = finite_rows(rows, TOTAL)
    total_jitter, last_totals = _jitter(totals, past.totals, np.searchsorted(where, at[suspect], side="right"))
    gained[suspect] = total[suspect] - then[suspect] > _SURE * total_jitter
    found = Opposed(
        at=at, middle=middle, best=heights[1:], drop=drop, fell=fell, total=total, gained=gained, total_then=then
    )  # fmt: skip
    after = OpposedPast(
        past.seen + at.size, total_past, last_totals, kept, known, early_past, direction_past, low_flags, peak
    )  # fmt: skip
    return found, after


def _since_the_peak(
    middle: Floats, heights: Floats, total: Floats, direction: Floats, past: OpposedPast
) -> tuple[Floats, Bools, Peak]:
    """The reward when the number was last at its best, whether it has been falling since, and the new peak."""
    everywhere = np.arange(middle.size)
    counts: Floats = past.seen + 1.0 + everywhere.astype(np.float64)
    rises = np.flatnonzero(~np.isnan(middle) & ~(middle <= heights[:-1]))
    falls = np.flatnonzero(direction == -1.0)
    since, last_since = held(rises, counts[rises], everywhere, past.peak.log)
    then, last_then = held(rises, total[rises], everywhere, past.peak.total)
    down, last_down = held(falls, counts[falls], everywhere, past.peak.down)
    known = np.flatnonzero(~np.isnan(total))
    begun = float(total[known[0]]) if math.isnan(past.peak.begun) and known.size else past.peak.begun
    then = np.where(np.isnan(then), begun, then)
    return then, down > since, Peak(float(heights[-1]), last_since, last_then, last_down, begun)


def _direction(values: Floats, past: OpposedPast) -> tuple[Floats, DirectionPast, DirectionPast]:
    """Whether the values rise or fall, tested often at first, and later so seldom that noise has few chances."""
    result, kept = rolling_direction(values, past.direction, TREND, EVERY)
    first = max(0, TREND - past.seen)
    if not first:
        return result, past.early, kept
    early, kept_early = rolling_direction(values[:first], past.early, TREND, EARLY)
    result[:first] = early
    return result, kept_early, kept


def _no_direction(values: Floats, past: OpposedPast) -> tuple[Floats, DirectionPast, DirectionPast]:
    return np.full(values.size, np.nan), past.early, past.direction


def _jitter(values: Floats, past: Floats, ends: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """The noise of single values, told by how far neighbours lie apart, so that no trend counts as noise.

    Args:
        values: shape (n,), the new values.
        past: The last values before them.
        ends: How many of the new values each answer looks back over.

    Returns:
        One answer for each of `ends`, NaN where there are too few values, and the last values for the next call.
    """
    known = np.concatenate((past, values))
    kept = known[-_JITTER - 1 :].copy()
    if not ends.size:
        return np.empty(0), kept
    moves = np.concatenate((np.full(_JITTER, np.nan), np.abs(np.diff(known))))
    view = np.lib.stride_tricks.sliding_window_view(moves, _JITTER)
    count = past.size + ends
    enough = count > _FIRST_JITTER
    result = np.full(ends.size, np.nan)
    if enough.any():
        result[enough] = median(view[count[enough] - 1]) * (TO_SIGMA / math.sqrt(2.0))
    return result, kept
