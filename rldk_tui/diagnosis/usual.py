"""What was usual early in a run: the level that later rows are compared with.

A level that follows the run would follow its trouble too. This one is the median of a stretch of the first logs, and once
that stretch is complete it stays.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rldk_tui.statistics.windows import Floats, median


@dataclass(frozen=True, slots=True)
class UsualPast:
    """What `usual` keeps: the first values of each series, how many it saw in all, and the level once it stays."""

    first: Floats = field(default_factory=lambda: np.empty((0, 0)))
    seen: int = 0
    stays: Floats | None = None


def usual(values: Floats, past: UsualPast, *, skip: int, size: int, gap: int, at_least: int) -> tuple[Floats, UsualPast]:
    """The median of the first `size` values after the first `skip`, as far as they lie `gap` values back.

    Args:
        values: shape (series, n), NaN where a series has no value.
        past: `UsualPast()` at first.
        skip: Values at the start that are not usual: loading, compiling, a cache that fills.
        size: Values that make the level.
        gap: The newest values are left out, so that trouble that begins does not become usual.
        at_least: Values the level must be made of; NaN before.

    Returns:
        The level of each series at each value, shape (series, n), and the new past.
    """
    count = values.shape[1]
    if past.stays is not None:
        return past.stays.repeat(count, axis=1), past
    before = past.first if past.first.size else np.empty((values.shape[0], 0))
    known = np.concatenate((before, values[:, : max(0, skip + size - before.shape[1])]), axis=1)
    made_of = np.minimum(past.seen + 1 + np.arange(count) - gap - skip, size)
    result = np.full(values.shape, np.nan)
    for logs in set(made_of[made_of >= at_least].tolist()):
        result[:, made_of == logs] = median(known[:, skip : skip + logs])[:, None]
    complete = count > 0 and made_of[-1] == size
    return result, UsualPast(known, past.seen + count, result[:, -1:].copy() if complete else None)
