"""What is measured on a step's generations (`analysis/samples.py`)."""

from __future__ import annotations

from rldk_tui.metrics.metric import Metric

SAMPLES: tuple[Metric, ...] = (Metric(name="samples/count", title="Generations on record"),)
