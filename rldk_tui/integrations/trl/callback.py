"""The callback itself: what the Hugging Face `Trainer` calls, and TRL's PPO with its own loop.

Order differs between loops (PPO logs before it ends the step, and saves after it ended the training), so nothing here
leans on an order.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers.trainer_callback import TrainerCallback

from rldk_tui.integrations.trl.border import Border
from rldk_tui.integrations.trl.launch import rank_of, run_started
from rldk_tui.integrations.trl.recorder import Recorder

_CHECKPOINT = "checkpoint-{step}"


class RLDKCallback(TrainerCallback):  # type: ignore[misc] # transformers is not followed by the type checker
    """Writes a training's events to `<run directory>/rldk/`, where the monitor and the report read them.

    It never raises into the training: whatever fails is written as an `extraction_error` event and logged once. On every
    rank it writes heartbeats and the machine; the metrics, which the trainer has already gathered, on the first alone.
    A process that is killed leaves no `run_ended`: that is how a death is told.
    """

    def __init__(self, output_dir: str | Path | None = None, run_id: str | None = None, system_interval: float = 1.0) -> None:
        """Prepare; nothing is touched before the training starts.

        Args:
            output_dir: The run directory; the trainer's own `output_dir` by default.
            run_id: The run's name; by default the trainer's `run_name`, or the run directory's own.
            system_interval: Seconds between two samples of the machine, at least.
        """
        self._output_dir = output_dir
        self._run_id = run_id
        self._system_interval = system_interval
        self._recorder: Recorder | None = None
        self._border = Border(self._tell)

    def on_train_begin(self, args: Any, state: Any, _control: Any, **kwargs: Any) -> None:
        """A launch starts, or is resumed: the log is headed anew."""
        self._border.attempt("start recording", self._begin, args, state, kwargs)

    def on_log(self, args: Any, state: Any, _control: Any, logs: Mapping[str, object] | None = None, **kwargs: Any) -> None:
        """The trainer logs a row."""
        self._border.attempt("record the metrics", self._log, args, state, logs, kwargs)

    def on_step_end(self, args: Any, state: Any, _control: Any, **kwargs: Any) -> None:
        """An optimizer step ended, logged or not."""
        self._border.attempt("record a step", self._step, args, state, kwargs)

    def on_save(self, args: Any, state: Any, _control: Any, **kwargs: Any) -> None:
        """A checkpoint was saved."""
        self._border.attempt("record a checkpoint", self._checkpoint, args, state, kwargs)

    def on_train_end(self, args: Any, state: Any, _control: Any, **kwargs: Any) -> None:
        """The training loop returned."""
        self._border.attempt("record the end", self._end, args, state, kwargs)

    def _tell(self, message: str) -> None:
        if self._recorder is not None:
            self._recorder.failure(message)

    def _begin(self, args: Any, state: Any, kwargs: Mapping[str, Any]) -> Recorder:
        folder = Path(self._output_dir if self._output_dir is not None else args.output_dir).absolute()
        self._recorder = recorder = Recorder(folder, rank_of(args), self._system_interval, self._border)
        run_id = self._run_id or _run_name(args, folder)
        started = run_started(args, state, kwargs.get("model"), run_id, self._border)
        recorder.start(started, with_gpus=state.is_local_process_zero)
        return recorder

    def _recording(self, args: Any, state: Any, kwargs: Mapping[str, Any]) -> Recorder:
        """The recorder; begun here if an evaluation before the training is the first to ask."""
        return self._recorder or self._begin(args, state, kwargs)

    def _log(self, args: Any, state: Any, logs: Mapping[str, object] | None, kwargs: Mapping[str, Any]) -> None:
        recorder = self._recording(args, state, kwargs)
        if logs and state.is_world_process_zero:
            recorder.metrics(state.global_step, logs)

    def _step(self, args: Any, state: Any, kwargs: Mapping[str, Any]) -> None:
        recorder = self._recording(args, state, kwargs)
        recorder.heartbeat(state.global_step)
        # NVML lists every GPU of a machine, so one process of it asks
        recorder.sample_when_due(state.global_step, with_gpus=state.is_local_process_zero)

    def _checkpoint(self, args: Any, state: Any, kwargs: Mapping[str, Any]) -> None:
        recorder = self._recording(args, state, kwargs)
        if state.is_world_process_zero:
            folder = Path(args.output_dir) / _CHECKPOINT.format(step=state.global_step)
            recorder.checkpoint(state.global_step, folder)

    def _end(self, args: Any, state: Any, kwargs: Mapping[str, Any]) -> None:
        self._recording(args, state, kwargs).end(state.global_step, state.max_steps)


def _run_name(args: Any, folder: Path) -> str:
    """The trainer's name for the run; older transformers repeat the output directory there, which is no name."""
    name = getattr(args, "run_name", None)
    return name if isinstance(name, str) and name and name != args.output_dir else folder.resolve().name
