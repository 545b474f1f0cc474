"""All metrics by name, and the name of every key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from rldk_tui.metrics.checkpoints import CHECKPOINTS
from rldk_tui.metrics.hooks import HOOKS
from rldk_tui.metrics.logged import LOGGED
from rldk_tui.metrics.machine import MACHINE
from rldk_tui.metrics.metric import Metric
from rldk_tui.metrics.phases import PHASES
from rldk_tui.metrics.ppo import PPO
from rldk_tui.metrics.samples import SAMPLES

CATALOGUE: tuple[Metric, ...] = (*LOGGED, *SAMPLES, *HOOKS, *PHASES, *PPO, *CHECKPOINTS, *MACHINE)
MEASURED = ("samples/", "hook/", "checkpoint/", "system/")
"""Prefixes of what is measured beside the trainer's log."""

_BY_NAME: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in CATALOGUE})
_ALIASES: Mapping[str, str] = MappingProxyType(
    {alias: metric.name for metric in CATALOGUE for alias in (metric.name, *metric.aliases)}
)
_PREFERENCE_REWARDS = frozenset({"chosen", "rejected", "margins", "accuracies"})
_LEGACY_REWARD = re.compile(r"rewards/[^/]+")


@lru_cache(maxsize=100_000)
def canonical(key: str) -> str:
    """The catalogue's name for a trainer's key, or the key itself.

    `rewards/<function>` of GRPO before 0.18 becomes `rewards/<function>/mean`, as it is called since.
    """
    known = _ALIASES.get(key)
    if known is not None:
        return known
    if _LEGACY_REWARD.fullmatch(key) and key.removeprefix("rewards/") not in _PREFERENCE_REWARDS:
        return f"{key}/mean"
    return key


def lookup(name: str) -> Metric:
    """The catalogue's row for a canonical name, with or without an `eval/` prefix; a bare row for an unknown one."""
    row = _BY_NAME.get(name.removeprefix("eval/"))
    if row is None:
        return Metric(name=name, title=name)
    return row


def title(name: str) -> str:
    """What a chart calls this metric."""
    known = lookup(name).title
    return f"{known} (eval)" if name.startswith("eval/") and known != name else known
