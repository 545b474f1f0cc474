"""What one rule saw in a run, row by row: for whoever sets its limits, or asks why it spoke or did not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.engine import AT_ONCE
from rldk_tui.diagnosis.episodes import Track, follow
from rldk_tui.diagnosis.rule import Context, Episode, NamedRule, RowRule, Verdict
from rldk_tui.run import RunSnapshot, Segment


@dataclass(frozen=True, slots=True)
class Signal:
    """One walk of a rule: one launch, one scope. All arrays have one entry for each row of which the rule spoke.

    Attributes:
        launch: Its number, from 1.
        metric: The scope: the metric the walk is about.
        logged: That metric as it was logged, NaN where it was not.
        value: What was compared with the limit (a median, a share).
        breach: Whether the row by itself was beyond the limit.
        level: `Severity.rank` of the trouble at this row, 0 for none; before anything is said of other findings near it.
        rows: Rows of the launch.
    """

    launch: int
    metric: str
    steps: NDArray[np.int64]
    logged: NDArray[np.float64]
    value: NDArray[np.float64]
    limit: NDArray[np.float64]
    breach: NDArray[np.bool_]
    level: NDArray[np.int8]
    rows: int
    episodes: tuple[Episode, ...]


def signals(named: NamedRule, snapshot: RunSnapshot) -> tuple[Signal, ...]:
    """The walks of a rule over the rows of a run; none for a rule that looks at no rows, or that is not for this run."""
    rule = named.rule
    if not isinstance(rule, RowRule):
        return ()
    return tuple(
        _walk(rule, scope, number, segment)
        for scope in rule.scopes(rule.reads, snapshot.metric_names())
        for number, segment in enumerate(snapshot.segments, start=1)
        if len(segment.rows)
    )


def _walk(rule: RowRule[Any], scope: str, launch: int, segment: Segment) -> Signal:
    context = Context(segment.info, scope, rule.limits, segment.named)
    track, past = Track(), rule.fresh
    verdicts: list[Verdict[Any]] = []
    places: list[NDArray[np.intp]] = []
    for start in range(0, len(segment.rows), AT_ONCE):
        rows = segment.rows[start : start + AT_ONCE]
        verdict = rule.watch(rows, past, context)
        track, past = follow(track, rows.steps[verdict.at], verdict, rule, scope), verdict.past
        verdicts.append(verdict)
        places.append(start + verdict.at)
    at = np.concatenate(places)
    return Signal(
        launch=launch,
        metric=scope,
        steps=segment.rows.steps[at],
        logged=segment.rows.column(scope).values[at],
        value=np.concatenate([verdict.value for verdict in verdicts]),
        limit=np.concatenate([verdict.limit for verdict in verdicts]),
        breach=np.concatenate([verdict.breach for verdict in verdicts]),
        level=np.concatenate([verdict.level for verdict in verdicts]),
        rows=len(segment.rows),
        episodes=track.episodes(),
    )
