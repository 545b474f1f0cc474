"""How often a trainer generates: what belongs to a generation is logged, and paid for, in some steps only.

GRPO and RLOO may train several steps on one batch of replies (`num_iterations`, `steps_per_generation`). The reward, the
lengths and the cost of sampling then come once in that many steps.
"""

from __future__ import annotations

import math

from rldk_tui.run import RunInfo


def steps_a_generation(info: RunInfo) -> int:
    """Optimizer steps that one generation is used for; 1 where nothing tells."""
    accumulated = _at_least_one(info, "gradient_accumulation_steps")
    micro_steps = (info.setting("steps_per_generation") or accumulated) * _at_least_one(info, "num_iterations")
    return max(1, min(_MOST, math.ceil(micro_steps / accumulated)))


def logs_a_generation(info: RunInfo) -> int:
    """Logs of which one tells of a generation: 1 where every log spans at least one."""
    return math.ceil(steps_a_generation(info) / _at_least_one(info, "logging_steps"))


_MOST = 1000


def _at_least_one(info: RunInfo, name: str) -> float:
    value = info.setting(name)
    return value if value is not None and 1.0 <= value <= _MOST else 1.0
