"""The state of each row becomes stretches of trouble: opened, escalated, closed with hysteresis, never one a step.

All of it is array work over the rows in trouble, so a million clean rows cost next to nothing, and it is exact under any
chunking: what is kept between two calls is frozen, so that the newest rows can be judged on trial and judged again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.rule import Episode, RowRule, Verdict
from rldk_tui.events import Severity


@dataclass(frozen=True, slots=True)
class Recent:
    """The last rows a rule looked at, for the onset of what may open next."""

    steps: NDArray[np.int64]
    breach: NDArray[np.bool_]


NO_ROWS = Recent(np.empty(0, np.int64), np.empty(0, np.bool_))


@dataclass(frozen=True, slots=True)
class Track:
    """The episodes of one walk so far.

    Attributes:
        closed: In order.
        current: The open one, if any.
        clean: Rows of the walk since its last row in trouble.
    """

    closed: tuple[Episode, ...] = ()
    current: Episode | None = None
    clean: int = 0
    recent: Recent = NO_ROWS

    def episodes(self) -> tuple[Episode, ...]:
        """All of them, the open one last."""
        return self.closed if self.current is None else (*self.closed, self.current)


def follow(track: Track, steps: NDArray[np.int64], verdict: Verdict[Any], rule: RowRule[Any], scope: str) -> Track:
    """The track after these rows.

    Args:
        track: What was known before.
        steps: The steps of the rows the verdict speaks of, one for each of its entries.
        verdict: What the rule said of them.
        rule: For its window and its closing.
        scope: The metric the walk is about.
    """
    in_trouble = np.flatnonzero(verdict.level > 0)
    if not in_trouble.size and track.current is None:  # nearly every row of nearly every run
        recent = _latest(track.recent, steps, verdict.breach, rule.lookback)
        return Track(track.closed, None, track.clean + steps.size, recent)
    current, closed = track.current, list(track.closed)
    seen_steps = np.concatenate((track.recent.steps, steps))
    seen_breach = np.concatenate((track.recent.breach, verdict.breach))
    last_trouble = -1 - track.clean
    for stretch in _stretches(in_trouble, rule.close_after):
        first = int(stretch[0])
        clean = first - last_trouble - 1
        if current is not None and clean >= rule.close_after:
            closed.append(replace(current, open=False))
            current = None
        if current is None and closed and clean < rule.reopen_within:
            current = replace(closed.pop(), open=True)
        if current is None:
            opening = track.recent.steps.size + first
            since = max(0, opening - min(rule.lookback - 1, clean))
            onset = since + int(np.argmax(seen_breach[since : opening + 1]))
            current = _opened(scope, int(seen_steps[onset]), int(seen_steps[opening]), verdict, first)
        current = _extended(current, steps, verdict, stretch, rule)
        last_trouble = int(stretch[-1])
    clean = steps.size - 1 - last_trouble
    if current is not None and clean >= rule.close_after:
        closed.append(replace(current, open=False))
        current = None
    return Track(tuple(closed), current, clean, _latest(track.recent, steps, verdict.breach, rule.lookback))


def _latest(recent: Recent, steps: NDArray[np.int64], breach: NDArray[np.bool_], lookback: int) -> Recent:
    """The rows an opening may look back over from the next one on."""
    kept = lookback - 1
    if not kept:
        return NO_ROWS
    if steps.size >= kept:
        return Recent(steps[steps.size - kept :].copy(), breach[breach.size - kept :].copy())
    return Recent(
        np.concatenate((recent.steps, steps))[-kept:],
        np.concatenate((recent.breach, breach))[-kept:],
    )


def _stretches(in_trouble: NDArray[np.intp], close_after: int) -> list[NDArray[np.intp]]:
    """Rows in trouble, split where enough clean rows lie between two of them to end an episode."""
    if not in_trouble.size:
        return []
    return np.split(in_trouble, np.flatnonzero(np.diff(in_trouble) > close_after) + 1)


def _opened(scope: str, first: int, detected: int, verdict: Verdict[Any], index: int) -> Episode:
    return Episode(
        scope=scope,
        severity=Severity.from_rank(int(verdict.level[index])),
        first_step=first,
        detected_step=detected,
        last_step=detected,
        open=True,
        rows=0,
        peak=math.nan,
        peak_step=detected,
        limit=float(verdict.limit[index]),
        facts={name: float(values[index]) for name, values in verdict.facts.items() if not math.isnan(values[index])},
    )


def _extended(
    episode: Episode, steps: NDArray[np.int64], verdict: Verdict[Any], stretch: NDArray[np.intp], rule: RowRule[Any]
) -> Episode:
    """The episode with one more stretch of rows in trouble: it may escalate, never calm down."""
    values = verdict.value[stretch]
    known = np.flatnonzero(~np.isnan(values))
    peak, peak_step = episode.peak, episode.peak_step
    if known.size:
        worst = stretch[known[int(rule.worst(values[known]))]]
        candidate = float(verdict.value[worst])
        if math.isnan(peak) or int(rule.worst(np.array([peak, candidate]))) == 1:
            peak, peak_step = candidate, int(steps[worst])
    rank = max(episode.severity.rank, int(verdict.level[stretch].max()))
    return replace(
        episode,
        severity=Severity.from_rank(rank),
        last_step=int(steps[stretch[-1]]),
        rows=episode.rows + int(stretch.size),
        peak=peak,
        peak_step=peak_step,
    )
