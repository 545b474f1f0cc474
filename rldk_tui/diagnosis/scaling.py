"""By what a trainer divides the rewards of a group before it learns from them."""

from __future__ import annotations

from rldk_tui.events import Algorithm
from rldk_tui.run import RunInfo

_BY_GROUP = (None, True, "group")
"""GRPO's `scale_rewards` where each group is divided by its own spread: its default, under all its names."""


def scaled_by_group(info: RunInfo) -> str | None:
    """Why advantages are not divided by the spread of their own group; None if they are."""
    if info.algorithm is not Algorithm.GRPO:
        return "only GRPO divides the rewards of a group by their own spread"
    if info.config.get("scale_rewards") not in _BY_GROUP:
        return "scale_rewards says that groups are not divided by their own spread"
    if info.config.get("multi_objective_aggregation") == "normalize_then_sum":
        return "with normalize_then_sum advantages are normalised over the batch"
    return None
