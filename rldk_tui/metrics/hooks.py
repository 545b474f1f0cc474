"""What is measured inside the training loop, where logs do not reach (the callback's `measured` events)."""

from __future__ import annotations

from rldk_tui.metrics.metric import Metric

HOOKS: tuple[Metric, ...] = ()
