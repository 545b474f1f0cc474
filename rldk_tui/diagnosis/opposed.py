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
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats, m_of_n, median, rolling, rolling_median

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
class JitterPast:
    """What `_jitter` keeps."""

    latest: float = math.nan
    moves: Floats = field(default_factory=lambda: NOTHING_YET)


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
    """What `opposed` keeps."""

    seen: int = 0
    total: SmoothPast = field(default_factory=SmoothPast)
    total_jitter: JitterPast = field(default_factory=JitterPast)
    said_jitter: float = math.nan
    values: Floats = field(default_factory=lambda: NOTHING_YET)
    jitter: JitterPast = field(default_factory=JitterPast)
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


def opposed(
    rows: Rows, metric: str, past: OpposedPast, *, sign: float = 1.0, sparse: bool = False
) -> tuple[Opposed, OpposedPast]:
    """What the metric did while the reward rose.

    Args:
        rows: The new rows.
        metric: The number that may fall.
        past: `OpposedPast()` at first.
        sign: -1 for a number that should fall, so that a rise is the loss.
        sparse: Whether its values are evaluations, of which a run has few.
    """
    at, values = finite_rows(rows, metric)
    values = sign * values
    total, total_past = smoothed(rows, at, TOTAL, _SMOOTH, past.total)
    total_jitter, said_jitter, total_jitter_past = _total_jitter(rows, at, past)
    size = 1 if sparse else _SMOOTH
    middle, kept = rolling_median(values, past.values, size, size)
    jitter, jitter_past = _jitter(values, past.jitter)
    direction, early_past, direction_past = _direction(values, past)
    counts: Floats = past.seen + 1.0 + np.arange(at.size, dtype=np.float64)
    everywhere = np.arange(at.size)
    heights = np.fmax.accumulate(np.concatenate(([past.peak.height], middle)))
    rises = np.flatnonzero(~np.isnan(middle) & ~(middle <= heights[:-1]))
    falls = np.flatnonzero(direction == -1.0)
    since, last_since = held(rises, counts[rises], everywhere, past.peak.log)
    then, last_then = held(rises, total[rises], everywhere, past.peak.total)
    down, last_down = held(falls, counts[falls], everywhere, past.peak.down)
    known = np.flatnonzero(~np.isnan(total))
    begun = float(total[known[0]]) if math.isnan(past.peak.begun) and known.size else past.peak.begun
    then = np.where(np.isnan(then), begun, then)
    drop = heights[1:] - middle
    beyond = drop > _SURE * jitter
    low, low_flags = m_of_n(beyond, past.low, EVALUATIONS, EVALUATIONS)
    found = Opposed(
        at=at,
        middle=middle,
        best=heights[1:],
        drop=drop,
        fell=low if sparse else (beyond & (direction == -1.0)) | ((drop > _FAR * jitter) & (down > since)),
        total=total,
        gained=total - then > _SURE * total_jitter,
        total_then=then,
    )
    peak = Peak(float(heights[-1]), last_since, last_then, last_down, begun)
    return found, OpposedPast(
        past.seen + at.size,
        total_past,
        total_jitter_past,
        said_jitter,
        kept,
        jitter_past,
        early_past,
        direction_past,
        low_flags,
        peak,
    )


def _direction(values: Floats, past: OpposedPast) -> tuple[Floats, DirectionPast, DirectionPast]:
    """Whether the values rise or fall, tested often at first, and later so seldom that noise has few chances."""
    result, kept = rolling_direction(values, past.direction, TREND, EVERY)
    first = max(0, TREND - past.seen)
    if not first:
        return result, past.early, kept
    early, kept_early = rolling_direction(values[:first], past.early, TREND, EARLY)
    result[:first] = early
    return result, kept_early, kept


def _total_jitter(rows: Rows, at: NDArray[np.intp], past: OpposedPast) -> tuple[Floats, float, JitterPast]:
    where, totals = finite_rows(rows, TOTAL)
    jitter, kept = rows.once(("jitter", TOTAL), lambda: _jitter(totals, past.total_jitter))
    said, latest = held(where, jitter, at, past.said_jitter)
    return said, latest, kept


def _jitter(values: Floats, past: JitterPast) -> tuple[Floats, JitterPast]:
    """The noise of single values, told by how far neighbours lie apart, so that no trend counts as noise."""
    if not values.size:
        return np.empty(0), past
    moves = np.abs(np.diff(np.concatenate(([past.latest], values))))
    begun = int(math.isnan(moves[0]))
    middle, kept = rolling(moves[begun:], past.moves, _JITTER, _FIRST_JITTER, median)
    result = np.concatenate((np.full(begun, np.nan), middle)) * (TO_SIGMA / math.sqrt(2.0))
    return result, JitterPast(float(values[-1]), kept)
