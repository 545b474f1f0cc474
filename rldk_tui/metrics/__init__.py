"""The metric catalogue: what a logged number is called, what it means and in which unit.

A trainer's key becomes a canonical name (`canonical`), which is the key today's TRL uses wherever it has one, so that users
meet the names they know. The unit depends on the trainer as well as on the name: `kl` is per token in GRPO and RLOO but
summed over the sequence in PPO and Online DPO, and one limit for all would be wrong. A key the catalogue does not know
keeps its own name and has no unit.

To add a metric: a row in `logged` (a trainer logs it), `samples`, `hooks`, `checkpoints` or `machine` (we measure it).
"""

from rldk_tui.metrics.algorithms import (
    algorithm_from_config,
    algorithm_from_keys,
    algorithm_from_trainer,
    framework_from_config,
    framework_from_keys,
)
from rldk_tui.metrics.catalogue import CATALOGUE, MEASURED, canonical, lookup, title
from rldk_tui.metrics.metric import Band, Direction, Metric

__all__ = [
    "CATALOGUE",
    "MEASURED",
    "Band",
    "Direction",
    "Metric",
    "algorithm_from_config",
    "algorithm_from_keys",
    "algorithm_from_trainer",
    "canonical",
    "framework_from_config",
    "framework_from_keys",
    "lookup",
    "title",
]
