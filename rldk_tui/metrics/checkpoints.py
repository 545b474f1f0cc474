"""What is measured on a checkpoint's files (`measured` events of its analysis)."""

from __future__ import annotations

from rldk_tui.metrics.metric import Metric

CHECKPOINTS: tuple[Metric, ...] = ()
