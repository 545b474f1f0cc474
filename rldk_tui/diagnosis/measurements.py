"""Rules over what is measured once in a while: on each checkpoint, or on the data before training.

Such a measurement is no noisy sample of a metric but a fact about files or data, so each is judged by itself, and one clean
one ends the trouble.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Context, Episode, Verdict
from rldk_tui.events import Severity
from rldk_tui.run import Rows
from rldk_tui.statistics.windows import Bools, Floats

_SHOWN = 3


def each_measured(reads: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """One walk for each of the metrics that was measured."""
    return tuple(name for name in reads if name in names)


def in_these_rows(rows: Rows, at: NDArray[np.intp], name: str) -> Floats:
    """Another measurement of the very same rows; NaN where it was not made, or is no finite number."""
    where, values = finite_rows(rows, name)
    found = np.full(len(rows), np.nan)
    found[where] = values
    return found[at]


def judged_alone(at: NDArray[np.intp], values: Floats, rungs: tuple[tuple[float, Severity], ...]) -> Verdict[None]:
    """Each measurement above the rungs by itself. For a lower limit, negate values and limits.

    Args:
        at: shape (n,), the rows of the measurements.
        values: shape (n,), NaN where a measurement says nothing.
        rungs: Limits and the severity beyond them, both rising.
    """
    beyond = np.array([values > limit for limit, _ in rungs])
    return graded(at, values, beyond, rungs)


def graded(at: NDArray[np.intp], values: Floats, beyond: Bools, rungs: tuple[tuple[float, Severity], ...]) -> Verdict[None]:
    """`judged_alone` with the comparisons made already: shape (rungs, n)."""
    level = np.zeros(at.size, np.int8)
    limits = np.full(at.size, rungs[0][0])
    for flags, (limit, severity) in zip(beyond, rungs, strict=True):
        level[flags] = severity.rank
        limits[flags] = limit
    return Verdict(at=at, breach=level > 0, level=level, value=values, limit=limits, past=None)


def named(episode: Episode, context: Context, metric: str | None = None) -> str:
    """The tensors or samples an episode is about, in brackets and with a space before them; nothing if none are known."""
    return listed(context.names(episode.scope if metric is None else metric, episode.first_step, episode.last_step))


def listed(names: tuple[str, ...]) -> str:
    """The first of these names in brackets and with a space before them; nothing of none."""
    if not names:
        return ""
    more = " …" if len(names) > _SHOWN else ""
    return f" ({', '.join(names[:_SHOWN])}{more})"
