"""Which parts watch a training, from what the user asked for."""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.integrations.trl.ending import Ending
from rldk_tui.integrations.trl.part import Part
from rldk_tui.integrations.trl.sampler import Sampler


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `RLDKCallback` was asked to watch; see there."""

    log_interval: int = 1
    system_interval: float = 1.0


def parts_for(options: Options) -> list[Part]:
    """Fresh parts for one training."""
    return [Sampler(options.system_interval), Ending()]
