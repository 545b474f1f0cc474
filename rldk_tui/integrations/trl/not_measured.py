"""What this training cannot tell as it is set up: no failure, but never a silence."""

from __future__ import annotations

import logging
import time

from rldk_tui.events import ExtractionError, ExtractionKind
from rldk_tui.integrations.trl.part import Training


def tell_unmeasured(training: Training, metric: str, why: str, advice: str | None = None) -> None:
    """Write down that a metric is not measured, why, and what to do about it; whoever calls does so once a training."""
    training.recorder.write(
        ExtractionError(
            time=time.time(),
            step=training.state.global_step,
            metric=metric,
            kind=ExtractionKind.UNAVAILABLE,
            message=f"not measured: {why}",
            advice=advice,
        )
    )
    training.border.log(logging.INFO, "RLDK does not measure %s: %s", metric, why)
