"""What was asked of the monitor on its command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rldk_tui.events import Finding
    from rldk_tui.run import RunSnapshot
    from rldk_tui.session import RunHealth


@dataclass(frozen=True, slots=True)
class MonitorOptions:
    """How to watch.

    Attributes:
        interval: Seconds between two looks.
        mouse: Whether the mouse is the monitor's, or the terminal's own for selecting text.
        bell: Whether a new critical finding rings the terminal's bell.
        tell: Takes each new finding that is critical; it does not wait.
        baseline: Reads the run to compare with, in the feed's thread; None without one.
        seek: Moves a replay by a share of the run; None where nothing is replayed.
        pause: Stops and restarts a replay's clock.
        indexed: Whether the run was opened from a list of runs.
        remember: Whether panel, mutes and colours are kept between visits.
        machine: Whether this machine is measured beside a run that lives on it.
    """

    interval: float = 1.0
    mouse: bool = True
    bell: bool = False
    tell: Callable[[Finding, RunHealth], None] | None = None
    baseline: Callable[[], RunSnapshot] | None = None
    seek: Callable[[float], None] | None = None
    pause: Callable[[bool], None] | None = None
    indexed: bool = False
    remember: bool = False
    machine: bool = False
