"""What there is to show at one moment: the run's health, and its metrics ready to be drawn."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rldk_tui.analysis.saved_checkpoints import NO_CHECKPOINTS, SavedCheckpoints
from rldk_tui.tui.metric_lines import MetricLine, MetricLines

if TYPE_CHECKING:
    from rldk_tui.run import RunSnapshot
    from rldk_tui.session import RunHealth
    from rldk_tui.tui.machine_now import Machine


@dataclass(frozen=True, slots=True)
class View:
    """One moment of a run.

    Attributes:
        host: The machine this is shown on, to tell its own numbers from those recorded elsewhere.
        checkpoints: What is recorded of the run's checkpoints.
        muted: Rules that whoever looks does not want to hear of; what they found is still listed, last.
        baseline: Another run to hold this one against; None without one.
        machine: This machine now, where the run lives on it; None where it does not, or nobody looked.
        gone: Whether the run directory is not there now; everything else is what was last known.
    """

    health: RunHealth
    metrics: Mapping[str, MetricLine]
    host: str
    gone: bool = False
    checkpoints: SavedCheckpoints = NO_CHECKPOINTS
    muted: frozenset[str] = frozenset()
    baseline: RunSnapshot | None = None
    machine: Machine | None = None


def view_of(health: RunHealth) -> View:
    """A run at its present end, looked at once."""
    return View(health, MetricLines().update(health.snapshot), platform.node(), checkpoints=health.checkpoints())
