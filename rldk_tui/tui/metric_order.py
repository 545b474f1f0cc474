"""Which metrics a face shows, and in which order."""

from __future__ import annotations

from functools import lru_cache

from rldk_tui.events import Algorithm
from rldk_tui.metrics import CATALOGUE, MEASURED, title
from rldk_tui.tui.view import View

_UNSHOWN = frozenset({"epoch"})
"""The header's progress says it better."""
_ELSEWHERE = ("final/", "system/", "checkpoint/")
"""Prefixes of what the header, the machine panel and the checkpoints screen show."""


def metrics_in_order(view: View) -> list[str]:
    """Headline metrics in their order, logged or only expected of this trainer, then everything else."""
    return list(_ordered(tuple(view.metrics), view.health.snapshot.info.algorithm))


@lru_cache(maxsize=4)
def _ordered(logged: tuple[str, ...], algorithm: Algorithm | None) -> tuple[str, ...]:
    headline = [
        (metric.headline, metric.name)
        for metric in CATALOGUE
        if metric.headline and (metric.name in logged or (logged and algorithm is not None and algorithm in metric.expected_in))
    ]
    first = [name for _, name in sorted(headline)]
    rest = [name for name in logged if name not in first and name not in _UNSHOWN and not name.startswith(_ELSEWHERE)]
    return (*first, *sorted(rest, key=_further))


def _further(name: str) -> tuple[bool, ...]:
    """Single rewards before what the catalogue knows, that before the trainer's other keys, then evaluation, then samples."""
    return (name.startswith(MEASURED), name.startswith("eval/"), not name.startswith("rewards/"), title(name) == name)
