"""`PPOMonitoringCallback`: what PPO's logs say while it trains, told in the process itself."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rldk_tui.errors import UserError
from rldk_tui.events import Phase
from rldk_tui.integrations.trl.callback import RLDKCallback
from rldk_tui.integrations.trl.monitor import Anomaly, Detection, EpochSummary, Monitor, MonitoredMetrics, Trend
from rldk_tui.integrations.trl.values import numbers, phase_of

logger = logging.getLogger("rldk_tui.integrations.trl.ppo_monitor")


class PPOMonitoringCallback(RLDKCallback):
    """An `RLDKCallback` that also follows KL, losses, reward, clipping and entropy by itself, and warns of anomalies.

    Each episode of an anomaly is one warning of the logger `rldk_tui.integrations.trl.ppo_monitor`; `metrics`, `trends()`,
    `epochs()` and `anomalies` may be read at any time, from other callbacks too. It serves GRPO and RLOO as well, by the
    names they log. The rules (`rldk watch`) judge the same events by limits of their own; this is the quick look beside.

    Where the trainer has an `RLDKCallback` for the same run directory besides, it leaves the recording to that one and monitors
    alone. Only the process that logs monitors. What is kept does not grow with the run, except by
    a summary an epoch, of which there are a thousand at most.
    """

    def __init__(
        self,
        anomaly_threshold: float = Detection().threshold,
        log_dir: str | Path | None = None,
        enable_detailed_logging: bool = False,
        *,
        detection: Detection | None = None,
        **recording: Any,
    ) -> None:
        """Prepare; nothing is touched before the training starts.

        Args:
            anomaly_threshold: Robust deviations from the usual beyond which a value is far out; see `Detection`.
            log_dir: The run directory that events are recorded in; the trainer's `output_dir` by default.
            enable_detailed_logging: One line a log at INFO, with every monitored number.
            detection: All settings of the detector, instead of `anomaly_threshold` alone.
            recording: As of `RLDKCallback`, by name.

        Raises:
            UserError: if the threshold is no number above 0.
        """
        if not (math.isfinite(anomaly_threshold) and anomaly_threshold > 0):
            raise UserError(
                f"anomaly_threshold must be a number above 0, not {anomaly_threshold}.",
                "Leave it out for 8 robust deviations; lower tells more, by chance too.",
            )
        self._detection = detection or Detection(threshold=float(anomaly_threshold))
        self._detailed = enable_detailed_logging
        super().__init__(recording.pop("output_dir", None) if log_dir is None else log_dir, **recording)

    def _watch_nothing(self) -> None:
        super()._watch_nothing()
        self._monitor = Monitor(self._detection)

    @property
    def besides(self) -> bool:
        """It is there to monitor."""
        return True

    @property
    def metrics(self) -> MonitoredMetrics | None:
        """The newest log; None before there is one."""
        return self._monitor.metrics

    @property
    def anomalies(self) -> tuple[Anomaly, ...]:
        """Episodes by their first step: the open ones, and the newest thousand that ended."""
        return self._monitor.anomalies

    def trends(self) -> dict[str, Trend]:
        """The trend over the last 64 logs, by metric; without those that have fewer than twelve."""
        return self._monitor.trends()

    def epochs(self) -> tuple[EpochSummary, ...]:
        """Statistics of each epoch, the one that lasts at the end."""
        return self._monitor.epochs()

    def on_train_begin(self, args: Any, state: Any, _control: Any, **kwargs: Any) -> None:
        """What was seen of a training before is forgotten."""
        self._monitor = Monitor(self._detection)
        super().on_train_begin(args, state, _control, **kwargs)

    def on_log(self, args: Any, state: Any, _control: Any, logs: Mapping[str, object] | None = None, **kwargs: Any) -> None:
        """The trainer logs a row."""
        super().on_log(args, state, _control, logs=logs, **kwargs)
        self._border.attempt("monitor the metrics", self._follow, state, logs)

    def _follow(self, state: Any, logs: Mapping[str, object] | None) -> None:
        if not logs or not state.is_world_process_zero or phase_of(logs) is not Phase.TRAIN:
            return
        values, _ = numbers(logs, Phase.TRAIN)
        epoch = getattr(state, "epoch", None)
        opened = self._monitor.feed(state.global_step, values.get("epoch") if epoch is None else epoch, values)
        if self._detailed and self._monitor.metrics is not None:
            logger.info("%s", self._monitor.metrics)
        for anomaly in opened:
            logger.warning("%s", anomaly)
