"""Numbers from a trainer's config, which a run directory tells and nobody vouches for."""

from __future__ import annotations

from collections.abc import Mapping

_LARGEST = 1e30
"""No setting of a trainer is larger but as "never", which has no place in a formula; NaN is not within it either."""


def setting(config: Mapping[str, object], name: str) -> float | None:
    """A number from the config; None if it is not known, or no number that could be reckoned with."""
    value = config.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= _LARGEST:
        return None
    return float(value)
