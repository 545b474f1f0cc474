"""What is known of one run: `RunStore` gathers events (the one mutable object), `RunSnapshot` is what it gave out.

`columns` holds the growing table of one launch, `info` who the run is, `pulse` whether it is alive. Floor: above
`events`, `metrics` and `system`; knows nothing of files or rules.
"""

from rldk_tui.events.entries import Kind
from rldk_tui.run.columns import Column, Rows
from rldk_tui.run.generations import LoggedGenerations
from rldk_tui.run.info import RunInfo
from rldk_tui.run.snapshot import MetricSeries, RunSnapshot, Segment
from rldk_tui.run.store import RunStore

__all__ = ["Column", "Kind", "LoggedGenerations", "MetricSeries", "Rows", "RunInfo", "RunSnapshot", "RunStore", "Segment"]
