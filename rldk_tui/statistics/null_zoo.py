"""Series in which nothing is wrong, to count the false alarms of whatever compares a run with its own past.

Three kinds of noise, four correlations from step to step, and three shapes of a healthy metric. Real logs have all of these:
gradient norms and KL scatter like a lognormal with a heavy tail, rewards of few groups take a handful of values, and
everything moves while the run learns (catalogue, section 2.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import product

import numpy as np

from rldk_tui.statistics.windows import Bools, Floats

MERGED = 20
"""Alarms closer than this many steps are one episode."""
PER = 10_000
"""Steps that rates are told for."""
BUDGET = 0.04
"""False episodes in `PER` steps that one adaptive detector may spend: the catalogue's budget of one, split among 25."""
_LOGNORMAL = 0.6
_LEARNED = 6.0
_LEARNING_SHARE = 0.1
_FAR = 100.0
CASES = 16
_BURN_IN = 60


class Noise(StrEnum):
    """How a metric scatters; lognormal with a deviation of 0.6 on the logarithmic scale."""

    GAUSS = "gauss"
    T3 = "t3"
    LOGNORMAL = "lognormal"


class Shape(StrEnum):
    """What a healthy metric does over a run: stay, learn ever more slowly, or take the few values a share of 16 has."""

    FLAT = "flat"
    LEARNING = "learning"
    SHARES = "shares"


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of null series.

    Attributes:
        correlation: From one step to the next.
    """

    noise: Noise
    correlation: float
    shape: Shape

    def __str__(self) -> str:
        return f"{self.noise} {self.correlation:g} {self.shape}"


ZOO = tuple(Cell(*parts) for parts in product(Noise, (0.0, 0.3, 0.6, 0.9), Shape))


def series(cell: Cell, shape: tuple[int, int], seed: int) -> Floats:
    """Null series of one kind.

    Args:
        cell: which kind.
        shape: (how many, how long).
        seed: the same seed gives the same series.

    Returns:
        Array of `shape`. Lognormal series and shares are positive; the learning curve rises in gaussian and t noise by six
        standard deviations, and in lognormal noise by as much on the logarithmic scale.
    """
    rng = np.random.default_rng([seed, ZOO.index(cell)])
    number, length = shape
    innovations = rng.normal(size=(length + _BURN_IN, number))
    if cell.noise is Noise.T3:
        innovations = rng.standard_t(3, size=innovations.shape) / np.sqrt(3.0)
    walk = np.empty_like(innovations)
    walk[0], kept = innovations[0], np.sqrt(1 - cell.correlation**2)
    for step in range(1, walk.shape[0]):
        walk[step] = cell.correlation * walk[step - 1] + kept * innovations[step]
    values: Floats = walk[_BURN_IN:].T
    if cell.shape is Shape.LEARNING:
        values = values + _LEARNED * (1 - np.exp(-np.arange(length) / (_LEARNING_SHARE * length)))
    if cell.noise is Noise.LOGNORMAL:
        values = np.exp(_LOGNORMAL * values)
    if cell.shape is Shape.SHARES:
        odds = values if cell.noise is Noise.LOGNORMAL else np.exp(_LOGNORMAL * np.clip(values, -_FAR, _FAR))
        values = np.rint(CASES * odds / (1.0 + odds)) / CASES
    return values


def episodes(alarms: Bools) -> int:
    """How many episodes the alarms of one series make: those fewer than `MERGED` steps apart are one."""
    at = np.flatnonzero(alarms)
    return int(at.size > 0) + int((np.diff(at) >= MERGED).sum())
