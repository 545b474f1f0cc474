"""What one rule saw in a run, row by row: for whoever sets its limits, or asks why it spoke or did not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.episodes import Track, follow
from rldk_tui.diagnosis.rule import Context, Episode, NamedRule, RowRule
from rldk_tui.run import RunSnapshot


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
    walked = []
    for scope in rule.scopes(rule.reads, snapshot.metric_names()):
        for number, segment in enumerate(snapshot.segments, start=1):
            rows = segment.rows
            if not len(rows):
                continue
            verdict = rule.watch(rows, rule.fresh, Context(segment.info, scope, rule.limits, segment.named))
            steps = rows.steps[verdict.at]
            walked.append(
                Signal(
                    launch=number,
                    metric=scope,
                    steps=steps,
                    logged=rows.column(scope).values[verdict.at],
                    value=verdict.value,
                    limit=verdict.limit,
                    breach=verdict.breach,
                    level=verdict.level,
                    rows=len(rows),
                    episodes=follow(Track(), steps, verdict, rule, scope).episodes(),
                )
            )
    return tuple(walked)
