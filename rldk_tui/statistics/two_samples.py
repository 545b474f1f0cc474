"""Do two samples come from one distribution, and how far apart are they?

The population stability index, PSI = sum (q - p) ln(q / p) over bins that hold a tenth of the older sample each, tells how much
of the distribution moved (Siddiqi, "Credit Risk Scorecards", 2006). Under the null it is about chi-squared with one degree of
freedom fewer than bins, times 1/n + 1/m (Yurdakul, Western Michigan University, 2018), so small samples have a large one by
chance. Kolmogorov and Smirnov's D is the largest distance of the two distribution functions; its p-value is Stephens'
approximation (JRSS B 32, 1970). Both take the sizes as numbers of independent values: give `dependence.effective`.
"""

from __future__ import annotations

import math

import numpy as np

from rldk_tui.statistics.windows import Floats

BINS = 10
_TERMS = 100
_HALF = 0.5
"""A case that is added to every bin, so that an empty one has a logarithm (Haldane and Anscombe, 1956)."""


def kolmogorov_smirnov(old: Floats, new: Floats) -> float:
    """The largest distance of the two distribution functions, 0 to 1.

    Args:
        old: shape (n,), finite, not empty.
        new: shape (m,), likewise.
    """
    old, new = np.sort(old), np.sort(new)
    both = np.concatenate((old, new))
    below_old = np.searchsorted(old, both, side="right") / old.size
    below_new = np.searchsorted(new, both, side="right") / new.size
    return float(np.abs(below_old - below_new).max())


def ks_p_value(distance: float, old: float, new: float) -> float:
    """How likely a distance at least as large is if nothing changed.

    Args:
        distance: D.
        old: How many independent values the older sample is worth.
        new: And the newer one.
    """
    root = math.sqrt(old * new / (old + new))
    reach = (root + 0.12 + 0.11 / root) * distance
    if reach < 0.2:  # the series converges slowly there, and is 1 to twelve digits
        return 1.0
    terms = ((1.0 if k % 2 else -1.0) * math.exp(-2.0 * (k * reach) ** 2) for k in range(1, _TERMS))
    return min(1.0, max(0.0, 2.0 * sum(terms)))


def bins_of(old: Floats, bins: int = BINS) -> Floats:
    """The inner edges of bins of about equal mass; fewer of them where values are tied, none where all are one number.

    Args:
        old: shape (n,), finite, not empty.
        bins: At most.
    """
    distinct = np.unique(old)
    if distinct.size <= bins:
        return distinct[:-1] / 2 + distinct[1:] / 2
    return np.unique(np.quantile(old, np.arange(1, bins) / bins))


def psi(old: Floats, new: Floats, bins: int = BINS) -> tuple[float, int]:
    """The population stability index, and the number of bins it was taken over.

    Args:
        old: shape (n,), finite, not empty.
        new: shape (m,), likewise.
        bins: At most.
    """
    edges = bins_of(old, bins)
    if edges.size == 0:  # one number: what differs from it is what moved
        edges = np.array([np.nextafter(old[0], -np.inf), old[0]])
    count = edges.size + 1
    p, q = (
        (np.bincount(np.searchsorted(edges, values, side="left"), minlength=count) + _HALF) / (values.size + _HALF * count)
        for values in (old, new)
    )
    return float(((q - p) * np.log(q / p)).sum()), count


def psi_by_chance(bins: int, old: float, new: float, deviations: float) -> float:
    """The index that two samples of one distribution exceed as rarely as a normal value exceeds so many deviations.

    Args:
        bins: Bins it was taken over.
        old: How many independent values the older sample is worth.
        new: And the newer one.
        deviations: 3.09 for one in a thousand.
    """
    freedom = max(1, bins - 1)
    spread = 2.0 / (9.0 * freedom)  # Wilson and Hilferty's approximation of the quantile, PNAS 17 (1931)
    return freedom * float((1.0 - spread + deviations * math.sqrt(spread)) ** 3) * (1.0 / old + 1.0 / new)
