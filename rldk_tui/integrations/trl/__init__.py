"""The callback for TRL and every other trainer built on the Hugging Face `Trainer`.

Two lines in a training script::

    from rldk_tui.integrations.trl import RLDKCallback
    trainer = GRPOTrainer(..., callbacks=[RLDKCallback()])

`callback` is what the trainer calls, `recorder` writes the events, `border` is where our own failures stop, `values` and
`launch` turn what the trainer hands over into plain values. Only `callback` needs transformers, and it is loaded when it
is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rldk_tui.integrations.trl.callback import RLDKCallback
    from rldk_tui.integrations.trl.listeners import TrainingCallback
    from rldk_tui.integrations.trl.managed.configuration import TRLIntegrationConfig
    from rldk_tui.integrations.trl.managed.manager import TRLIntegrationManager
    from rldk_tui.integrations.trl.managed.result import TrainingResult
    from rldk_tui.integrations.trl.metrics_record import RLDKMetrics
    from rldk_tui.integrations.trl.ppo_monitor import PPOMonitoringCallback
    from rldk_tui.integrations.trl.reward_functions import wrap_reward

_HOMES = {
    "PPOMonitoringCallback": "ppo_monitor",
    "RLDKCallback": "callback",
    "RLDKMetrics": "metrics_record",
    "TRLIntegrationConfig": "managed.configuration",
    "TRLIntegrationManager": "managed.manager",
    "TrainingCallback": "listeners",
    "TrainingResult": "managed.result",
    "wrap_reward": "reward_functions",
}
"""The module of each name; loaded when it is asked for."""
__all__ = [
    "PPOMonitoringCallback",
    "RLDKCallback",
    "RLDKMetrics",
    "TRLIntegrationConfig",
    "TRLIntegrationManager",
    "TrainingCallback",
    "TrainingResult",
    "wrap_reward",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
