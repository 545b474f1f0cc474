"""What `PPOMonitoringCallback` keeps of a training's logs: six metrics and two ratios of them, bounded however long it runs.

`readings` picks the numbers out of a log, `anomalies` tells which are far from what was usual, `trend` whether a series
rises or falls, `epochs` what an epoch was like, `monitor` holds them together. Nothing here knows of transformers or torch.
"""

from rldk_tui.integrations.trl.monitor.anomalies import Anomaly, Detection
from rldk_tui.integrations.trl.monitor.epochs import EpochStatistics, EpochSummary
from rldk_tui.integrations.trl.monitor.monitor import Monitor
from rldk_tui.integrations.trl.monitor.readings import MonitoredMetrics
from rldk_tui.integrations.trl.monitor.trend import Direction, Trend

__all__ = ["Anomaly", "Detection", "Direction", "EpochStatistics", "EpochSummary", "Monitor", "MonitoredMetrics", "Trend"]
