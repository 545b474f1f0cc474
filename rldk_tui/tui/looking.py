"""One look after another at a run becomes views: what a picture needs is kept from look to look."""

from __future__ import annotations

import platform
from pathlib import Path

from rldk_tui.run import RunSnapshot
from rldk_tui.session import RunHealth
from rldk_tui.tui.checkpoint_list import RecordedCheckpoints
from rldk_tui.tui.machine_now import MachineNow
from rldk_tui.tui.metric_lines import MetricLines
from rldk_tui.tui.options import MonitorOptions
from rldk_tui.tui.view import View


class Looking:
    """Follows one run directory, in the feed's thread."""

    def __init__(self, options: MonitorOptions) -> None:
        self.directory: Path | None = None
        self._lines = MetricLines()
        self._saved = RecordedCheckpoints()
        self._host = platform.node()
        self._machine = MachineNow() if options.machine else None
        self._read_baseline = options.baseline
        self._baseline: RunSnapshot | None = None

    def elsewhere(self, health: RunHealth) -> bool:
        """Whether this is another run than the one that was followed."""
        return self.directory is not None and health.directory != self.directory

    def at(self, health: RunHealth) -> View:
        """The run as it stands."""
        self.directory = health.directory
        metrics, checkpoints = self._lines.update(health.snapshot), self._saved.update(health)
        if self._read_baseline is not None and not health.more:
            self._baseline, self._read_baseline = self._read_baseline(), None
        machine = self._machine.beside(health, self._host) if self._machine is not None else None
        return View(health, metrics, self._host, health.vanished, checkpoints, baseline=self._baseline, machine=machine)
