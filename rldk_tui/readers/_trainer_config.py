"""The config of a Hugging Face trainer, as trackers keep it beside the metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping

from rldk_tui.events import Json, RunDescribed
from rldk_tui.metrics import algorithm_from_config


def described(config: Mapping[str, Json]) -> RunDescribed:
    """What such a config tells of the run; the tracker's own entries are not among it."""
    model = config.get("_name_or_path") or config.get("model_name_or_path")
    goal = config.get("max_steps")
    return RunDescribed(
        time=math.nan,
        algorithm=algorithm_from_config(config),
        model=model if isinstance(model, str) and model else None,
        config=dict(config),
        max_steps=goal if isinstance(goal, int) and not isinstance(goal, bool) and goal > 0 else None,
    )
