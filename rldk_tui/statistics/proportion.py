"""Shares of counted things: how far the true share may lie from the one that was seen."""

from __future__ import annotations

import numpy as np

from rldk_tui.statistics.windows import Floats

CONFIDENT = 1.96
"""Standard deviations: 95 % of such intervals hold the true share."""


def wilson(shares: Floats, counts: Floats, z: float = CONFIDENT) -> tuple[Floats, Floats]:
    """Wilson's interval of a share, which stays honest near 0 and 1 and with few counts (JASA 22, 1927).

    Args:
        shares: shape (n,), 0 to 1; what lies outside is cut.
        counts: shape (n,), of how many things each is a share; NaN or none leaves everything open.
        z: Standard deviations.

    Returns:
        The lower and the upper end, shape (n,); 0 and 1 where nothing is known.
    """
    known = (counts > 0) & ~np.isnan(shares)
    share = np.where(known, np.clip(shares, 0.0, 1.0), 0.5)
    count = np.where(known, counts, 1.0)
    extra = z * z / count
    middle = (share + extra / 2) / (1 + extra)
    half = z / (1 + extra) * np.sqrt(share * (1 - share) / count + extra / (4 * count))
    return np.where(known, np.maximum(middle - half, 0.0), 0.0), np.where(known, np.minimum(middle + half, 1.0), 1.0)
