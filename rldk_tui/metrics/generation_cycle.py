"""How often a trainer generates: what belongs to a generation is logged, and paid for, in some steps only.

GRPO and RLOO may train several steps on one batch of replies (`num_iterations`, `steps_per_generation`). The reward, the
lengths and the cost of sampling then come once in that many steps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from rldk_tui.metrics.settings import setting

_MOST = 1000
_OF_A_GENERATION = ("reward", "reward_std", "frac_reward_zero_std")


def steps_a_generation(config: Mapping[str, object]) -> int:
    """Optimizer steps that one generation is used for; 1 where nothing tells."""
    accumulated = _at_least_one(config, "gradient_accumulation_steps")
    micro_steps = (setting(config, "steps_per_generation") or accumulated) * _at_least_one(config, "num_iterations")
    return max(1, min(_MOST, math.ceil(micro_steps / accumulated)))


def logs_a_generation(config: Mapping[str, object]) -> int:
    """Logs of which one tells of a generation: 1 where every log spans at least one."""
    return math.ceil(steps_a_generation(config) / _at_least_one(config, "logging_steps"))


def is_of_a_generation(name: str) -> bool:
    """Whether a metric, by its catalogue name, is logged only with a generation."""
    return name in _OF_A_GENERATION or name.startswith("completions/")


def _at_least_one(config: Mapping[str, object], name: str) -> float:
    value = setting(config, name)
    return value if value is not None and 1.0 <= value <= _MOST else 1.0
