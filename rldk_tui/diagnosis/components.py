"""The functions a reward is made of, and what each weighs in it.

The config tells the weights but not whose they are, and a log read without its config tells neither. The rows do: the total is
the sum of the functions' means, each times its weight. A function of weight 0 is only watched, so it is a second opinion; one
that is paid for is an objective.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import Floats

TOTAL = "reward"
_FIRST = 8
"""Logs that must agree on the weights: by chance alone that many sums do not come out."""
_MOST = 6
"""Functions up to which every way to hand out the weights is tried: 720 of them."""
_EXACT = 1e-3
"""How far a sum may be off, of what was added up: logs are rounded."""


@dataclass(frozen=True, slots=True)
class WeightsPast:
    """What `weights` keeps: the first logs, a total and the functions' means each, until they have told the weights.

    Attributes:
        names: The functions' metrics, as the first log with any had them.
        told: What each weighs, NaN where that is open; None until there are logs enough.
    """

    names: tuple[str, ...] = ()
    first: tuple[tuple[float, ...], ...] = ()
    told: Mapping[str, float] | None = None


def functions(names: tuple[str, ...]) -> tuple[str, ...]:
    """The metrics that are the mean of one reward function in training."""
    return tuple(name for name in names if name.startswith("rewards/") and name.endswith("/mean"))


def function_of(metric: str) -> str:
    """The function's own name."""
    return metric.removeprefix("eval/").removeprefix("rewards/").removesuffix("/mean")


def spread_of(metric: str) -> str:
    """The metric that is the function's spread over the batch."""
    return f"{metric.removesuffix('/mean')}/std"


def weight_of(rows: Rows, at: NDArray[np.intp], metric: str, past: WeightsPast, info: RunInfo) -> tuple[Floats, WeightsPast]:
    """What the function weighs in the total at each row of `at`; NaN while or where that is not known."""
    since, kept = weights(rows, past, info)
    weight = math.nan if kept.told is None else kept.told.get(metric, math.nan)
    return np.where(at >= since, weight, np.nan), kept


def weights(rows: Rows, past: WeightsPast, info: RunInfo) -> tuple[int, WeightsPast]:
    """From which of these rows on the weights are known, and the past that has them."""
    if past.told is not None:
        return 0, past
    return rows.once(("reward weights",), lambda: _learned(rows, past, info))


def _learned(rows: Rows, past: WeightsPast, info: RunInfo) -> tuple[int, WeightsPast]:
    logged = past.names or functions(tuple(rows.columns))
    at, _ = finite_rows(rows, TOTAL)
    if not logged or not at.size:
        return len(rows), past
    there = np.array([rows.column(name).finite[at] for name in logged])
    if not past.names:
        begun = np.flatnonzero(there.any(axis=0))
        if not begun.size:
            return len(rows), past
        chosen = there[:, begun[0]]
        logged = tuple(name for name, has in zip(logged, chosen, strict=True) if has)
        there = there[chosen]
    complete = at[there.all(axis=0)][: _FIRST - len(past.first)]
    columns = [rows.column(name).values[complete].tolist() for name in (TOTAL, *logged)]
    kept = replace(past, names=logged, first=(*past.first, *zip(*columns, strict=True)))
    if len(kept.first) < _FIRST:
        return len(rows), kept
    return int(complete[-1]), WeightsPast(names=logged, told=_told(logged, np.array(kept.first), info))


def _told(names: tuple[str, ...], first: Floats, info: RunInfo) -> Mapping[str, float]:
    """The weights on which every way to hand them out agrees that adds up to the total."""
    known = _configured(names, info)
    if known is not None and len(set(known)) == 1:
        return dict(zip(names, known, strict=True))
    if len(names) > _MOST:
        ways = [] if known is None else [known]
    else:
        ways = list(product((1.0, 0.0), repeat=len(names)))[:-1] if known is None else list(set(permutations(known)))
    if not ways:
        return {}
    tried = np.array(ways)
    values = np.clip(first, -1e50, 1e50)
    size = np.abs(values[:, 1:]) @ np.abs(tried.T) + np.abs(values[:, :1])
    fits = (np.abs(values[:, 1:] @ tried.T - values[:, :1]) <= _EXACT * size).all(axis=0)
    if not fits.any():
        return {}
    found = tried[fits]
    agreed = np.where((found == found[0]).all(axis=0), found[0], np.nan)
    return dict(zip(names, agreed.tolist(), strict=True))


def _configured(names: tuple[str, ...], info: RunInfo) -> tuple[float, ...] | None:
    """The configured weights in their order; None where the config does not tell as many as there are functions."""
    if "reward_weights" not in info.config:
        return None
    told = info.config["reward_weights"]
    if told is None:
        return (1.0,) * len(names)
    if not isinstance(told, list) or len(told) != len(names):
        return None
    numbers = [float(weight) for weight in told if isinstance(weight, int | float) and math.isfinite(weight)]
    return tuple(numbers) if len(numbers) == len(names) else None
