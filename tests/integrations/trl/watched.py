"""A part by itself around a real model of torch, and a real trainer that is made but not yet trained."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from rldk_tui.events import Algorithm, Measured, RunStarted
from rldk_tui.integrations.trl.border import Border
from rldk_tui.integrations.trl.part import Part, Training
from rldk_tui.integrations.trl.recorder import Recorder
from sample_runs.tiny_language import preferences, topic_reward
from sample_runs.tiny_models import Models
from sample_runs.trainings import common_arguments
from tests.integrations.trl.conftest import EventLog


class Watched:
    """One part and the training it sees; `step` calls it as the Hugging Face Trainer does."""

    def __init__(self, run: Path, part: Part, *, rank: int = 0, **seen: Any) -> None:
        border = Border(self._fail)
        self.recorder = Recorder(run, rank, border)
        self.recorder.start(RunStarted(time=0.0, schema_version=1, run_id="run", rank=rank))
        nothing = dict.fromkeys(
            ("model", "optimizer", "scheduler", "processing_class", "dataloader", "trainer", "algorithm", "loop"), None
        )
        self.training = Training(
            **{**nothing, "args": SimpleNamespace(max_grad_norm=1.0, output_dir=str(run)), **seen},
            state=SimpleNamespace(global_step=0, logging_steps=5),
            run_directory=run,
            is_main=rank == 0,
            recorder=self.recorder,
            border=border,
        )
        self.part = part
        part.begin(self.training)

    def _fail(self, message: str) -> None:
        raise AssertionError(message)

    def step(self) -> None:
        """One step, with the gradients that are there."""
        step = self.training.state.global_step + 1
        self.part.before_optimizer(step)
        if self.training.optimizer is not None:
            self.training.optimizer.step()
        self.part.after_optimizer(step)
        self.training.state.global_step = step
        self.part.step_end(step)
        self.recorder.heartbeat(step)


def measured(log: EventLog, metric: str) -> dict[int, float | None]:
    """What the metric was at each step, the last word of a step."""
    return {event.step: event.values[metric] for event in log.of(Measured) if metric in event.values}


def named(log: EventLog, metric: str) -> dict[int, tuple[str, ...]]:
    """What the metric was about at each step."""
    return {event.step: event.named[metric] for event in log.of(Measured) if metric in event.named}


def trainer_of(algorithm: Algorithm, models: Models, run: Path, steps: int, **more: Any) -> Any:
    """A trainer of the tiny language model on the tiny language."""
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer

    kinds: dict[Algorithm, tuple[Any, Any]] = {
        Algorithm.SFT: (SFTConfig, SFTTrainer),
        Algorithm.DPO: (DPOConfig, DPOTrainer),
        Algorithm.GRPO: (GRPOConfig, GRPOTrainer),
    }
    config, trainer = kinds[algorithm]
    pairs = preferences(1, 32)
    columns = {
        Algorithm.SFT: {"prompt": pairs["prompt"], "completion": pairs["chosen"]},
        Algorithm.DPO: dict(pairs),
        Algorithm.GRPO: {"prompt": pairs["prompt"]},
    }[algorithm]
    arguments = {**common_arguments(str(run), steps), "per_device_train_batch_size": 4, "save_strategy": "no"}
    sampling = algorithm is Algorithm.GRPO
    if sampling:
        arguments |= {"per_device_train_batch_size": 8, "num_generations": 4, "max_completion_length": 8}
    return trainer(
        model=models.policy(),
        args=config(**{**arguments, **more}),
        train_dataset=Dataset.from_dict(columns),
        processing_class=models.tokenizer(),
        **({"reward_funcs": topic_reward} if sampling else {}),
    )
