"""One object that builds a trainer, watches its training and tells how it went."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rldk_tui.errors import UserError
from rldk_tui.integrations.trl.callback import RLDKCallback
from rldk_tui.integrations.trl.listeners import TrainingCallback
from rldk_tui.integrations.trl.managed.building import build
from rldk_tui.integrations.trl.managed.configuration import NEEDS_REWARD, TRLIntegrationConfig
from rldk_tui.integrations.trl.managed.result import TrainingResult, judged
from rldk_tui.integrations.trl.ppo_monitor import PPOMonitoringCallback


class TRLIntegrationManager:
    """Builds the trainer a description names, with monitoring, checkpoint analysis and reward monitoring wired.

    Attributes:
        config: The description.
        callback: What records the run.
        monitor: Ratios, trends and anomalies of the trainers that sample; None for the others.
        trainer: TRL's own, once it is built.
    """

    def __init__(self, config: TRLIntegrationConfig, callbacks: Sequence[TrainingCallback] = ()) -> None:
        """Prepare; nothing is loaded yet.

        Args:
            config: The description.
            callbacks: Custom callbacks, which receive our typed events.
        """
        self.config = config
        self.callback = RLDKCallback(
            config.log_dir,
            profile=config.enable_profiling,
            checkpoint_analysis=config.enable_checkpoint_analysis,
            record_text=config.record_text,
            stop_on=config.stop_on,
            listeners=callbacks,
        )
        samples = config.trainer in NEEDS_REWARD - {"online_dpo"}
        self.monitor = PPOMonitoringCallback(anomaly_threshold=config.anomaly_threshold) if samples else None
        self.trainer: Any = None

    def setup_trl_trainer(self, model: Any = None, dataset: Any = None) -> Any:
        """TRL's trainer, watched, ready for its own `train()`.

        Args:
            model: The model, or its name; the description's by default.
            dataset: The data, or its name; the description's by default.

        Raises:
            UserError: if something named does not exist, or TRL refuses an argument.
        """
        callbacks = [self.callback, *([self.monitor] if self.monitor is not None else [])]
        self.trainer = build(self.config, model, dataset, callbacks)
        self.callback.attach(self.trainer)
        return self.trainer

    def train_with_monitoring(self, num_steps: int | None = None, save_checkpoints: bool = True) -> TrainingResult:
        """Train to the end, then judge the run and write its report.

        An exception of the training is raised as it is; the run's log tells it too, so `rldk check` shows it.

        Args:
            num_steps: Optimizer steps; the description's by default.
            save_checkpoints: Whether the trainer saves, as its arguments say; False saves nothing.

        Raises:
            UserError: if something named does not exist, or TRL refuses an argument.
        """
        trainer = self.trainer or self.setup_trl_trainer()
        if num_steps is not None:
            _plan(trainer.args, num_steps)
        if not save_checkpoints:
            trainer.args.save_strategy = "no"
        trainer.train()
        run = Path(self.config.log_dir or trainer.args.output_dir)
        return judged(run, trainer.state.global_step, self.callback.current_metrics, report=self.config.enable_report)


def _plan(args: Any, steps: int) -> None:
    """Have the trainer make this many steps; PPO counts batches of episodes."""
    if steps <= 0:
        raise UserError(f"num_steps = {steps} must be above zero.")
    args.max_steps = steps
    if getattr(args, "num_total_batches", None) is not None:
        args.num_total_batches = steps
        args.total_episodes = steps * args.batch_size
