"""A measurement that comes with the lower end of its interval: it counts where even that end is far enough up."""

from __future__ import annotations

import numpy as np

from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Verdict
from rldk_tui.events import Severity
from rldk_tui.run import Rows


def watch_surely(
    rows: Rows, name: str, low: str, count: str, *, least: float, rungs: tuple[tuple[float, float, Severity], ...]
) -> Verdict[None]:
    """Each measurement by itself: the interval takes the place of persistence.

    Args:
        rows: The rows.
        name: The measurement.
        low: The lower end of its interval.
        count: How many things were measured.
        least: The fewest of them that tell anything.
        rungs: Limit of the measurement, limit of its lower end, severity; in rising severity.
    """
    at, values = finite_rows(rows, name)
    lows, counts = rows.column(low).values[at], rows.column(count).values[at]
    level = np.zeros(at.size, np.int8)
    for limit, lower, severity in rungs:
        level[(values > limit) & (lows > lower) & (counts >= least)] = severity.rank
    return Verdict(
        at=at,
        breach=values > rungs[0][0],
        level=level,
        value=values,
        limit=np.full(at.size, rungs[0][0]),
        past=None,
        facts={"low": lows, "count": counts},
    )
