"""The callback itself: what the Hugging Face `Trainer` calls, and TRL's PPO with its own loop.

Order differs between loops (PPO logs before it ends the step, and saves after it ended the training), so nothing here
leans on an order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers.trainer_callback import TrainerCallback

from rldk_tui.events import Phase
from rldk_tui.integrations.trl.attached import tell_of_failure
from rldk_tui.integrations.trl.border import Border
from rldk_tui.integrations.trl.claims import claim, other_run
from rldk_tui.integrations.trl.launch import rank_of, run_started, trainer_names
from rldk_tui.integrations.trl.listeners import Listening, TrainingCallback, hear_findings, wants_findings
from rldk_tui.integrations.trl.live import OnFinding, severity_from
from rldk_tui.integrations.trl.loop import TrainingLoop, told
from rldk_tui.integrations.trl.metrics_record import History, MetricsHistory, RLDKMetrics
from rldk_tui.integrations.trl.part import EVENTS, Part, Training
from rldk_tui.integrations.trl.parts import Options, parts_for
from rldk_tui.integrations.trl.recorder import Recorder
from rldk_tui.integrations.trl.values import phase_of

_CHECKPOINT = "checkpoint-{step}"
_OF_A_TRAINING = frozenset(
    {"_recorder", "_loop", "_standing_back", "_steps_begin", "_border", "_history", "_calls", "_early", "_monitor"}
)
"""What a copy of the callback does not take over."""
_MOST_EARLY = 16
"""Evaluations before the training that are kept for it."""


class RLDKCallback(TrainerCallback):  # type: ignore[misc] # transformers is not followed by the type checker
    """Writes a training's events to `<run directory>/rldk/`, where the monitor and the report read them.

    It never raises into the training: whatever fails is written as an `extraction_error` event and logged once. On every
    rank it writes heartbeats and the machine; the metrics, which the trainer has already gathered, on the first alone.
    A process that is killed leaves no `run_ended`: that is how a death is told.
    """

    def __init__(
        self,
        output_dir: str | Path | None = None,
        log_interval: int = 1,
        run_id: str | None = None,
        *,
        trainer: Any = None,
        system_interval: float = 1.0,
        check_gradients: bool = True,
        completions_every: int = 1,
        completions_megabytes: float = 256.0,
        record_text: bool = True,
        profile: bool = False,
        checkpoint_analysis: bool = True,
        on_finding: OnFinding | None = None,
        stop_on: str | None = None,
        metrics_history: int = 1000,
        listeners: Sequence[TrainingCallback] = (),
    ) -> None:
        """Prepare; nothing is touched before the training starts.

        Args:
            output_dir: The run directory; the trainer's own `output_dir` by default.
            log_interval: Steps from one row of what the callback measures by itself (norms, update ratios, times) to the
                next. What the trainer logs is kept whole, whatever this is.
            run_id: The run's name; by default the trainer's `run_name`, or the run directory's own.
            trainer: The trainer, as in `attach`.
            system_interval: Seconds between two samples of the machine, at least.
            check_gradients: Look in every step for gradients that are not finite, and name the layer. It costs a pass over
                the gradients (two with the trainer attached) and on a GPU one wait for it.
            completions_every: Steps from one recorded batch of generations to the next; 0 records none.
            completions_megabytes: What all generations of the run may take on disk; steps are left out, evenly, to keep it.
            record_text: Whether prompts and completions are written; otherwise a mark stands for each text.
            profile: Measure the time and the GPU memory of each phase (generate, score, update, save, eval). It makes each
                phase wait for the GPU, and resets torch's peak statistics, which are then no longer the whole process's.
            checkpoint_analysis: Have each checkpoint analysed when it was saved, one at a time, in a process of its own at
                lowest priority. It may go on after the training's end, and its results join the run's log.
            on_finding: Called as `on_finding(finding, change)` when a finding opened, escalated or closed, in the training's
                thread at the end of a step. `rldk watch` runs beside the training for it, in a process of its own; the end
                of training waits for what it still has to say, five seconds at most.
            stop_on: Severity ("critical", "high", ...) at which a finding that opens or escalates makes the trainer save a
                checkpoint and stop. PPO's trainer ignores a callback that asks it to stop: there it only saves.
            metrics_history: How many of the newest logs `metrics_history` holds.
            listeners: Custom callbacks, which receive what is recorded as typed events.
        """
        self._output_dir = output_dir
        self._run_id = run_id
        self._trainer = trainer
        self._options = Options(
            log_interval=max(1, log_interval),
            system_interval=system_interval,
            check_gradients=check_gradients,
            completions_every=max(0, completions_every),
            completions_megabytes=completions_megabytes,
            record_text=record_text,
            profile=profile,
            checkpoint_analysis=checkpoint_analysis,
            on_finding=on_finding or (hear_findings if wants_findings(listeners) else None),
            stop_on=severity_from(stop_on),
        )
        self._kept = metrics_history
        self._listeners = tuple(listeners)
        self._watch_nothing()
        if trainer is not None:
            self._border.attempt("watch for the end of train()", tell_of_failure, trainer, self._failed)

    def _watch_nothing(self) -> None:
        """No training has begun."""
        self._recorder: Recorder | None = None
        self._loop: TrainingLoop | None = None
        self._standing_back = False
        self._steps_begin = False
        self._border = Border(self._tell)
        self._history = History(self._kept)
        self._calls: dict[str, list[tuple[str, Any]]] = {event: [] for event in EVENTS}
        self._early: deque[tuple[int, dict[str, object]]] = deque(maxlen=_MOST_EARLY)

    def __getstate__(self) -> dict[str, Any]:
        """What a copy takes over: what was asked for, and nothing of the training that is being recorded here."""
        return {name: value for name, value in vars(self).items() if name not in _OF_A_TRAINING}

    def __setstate__(self, asked: dict[str, Any]) -> None:
        self.__dict__.update(asked)
        self._watch_nothing()

    @property
    def current_metrics(self) -> RLDKMetrics | None:
        """The newest log of a training step as a typed record; None before there is one, and in processes that do not log."""
        return self._history.records.newest(Phase.TRAIN)

    @property
    def metrics_history(self) -> MetricsHistory:
        """The newest logs of all phases as typed records, oldest first; as many as `metrics_history` asked for."""
        return self._history.records

    @property
    def faults_found(self) -> Mapping[tuple[Phase | None, str | None], int]:
        """How often a logged value was missing or no usable number, by phase and metric, those told before included."""
        return {} if self._recorder is None else dict(self._recorder.faults.found)

    def _newest(self) -> RLDKMetrics | None:
        records = self.metrics_history
        return records[-1] if len(records) else None

    def attach(self, trainer: Any) -> RLDKCallback:
        """Give the callback the trainer, which none is handed by itself, before `train()` is called.

        With it the callback reads what a trainer keeps to itself: gradient norms before they are clipped, the generations
        of each step, PPO's advantages and values. It adds itself to the trainer's callbacks where it is not among them.
        """
        self._trainer = trainer
        self._border.attempt("watch for the end of train()", tell_of_failure, trainer, self._failed)
        present = getattr(getattr(trainer, "callback_handler", None), "callbacks", ())
        if self not in present:
            self._border.attempt("be added to the trainer", trainer.add_callback, self)
        return self

    def on_train_begin(self, args: Any, state: Any, _control: Any, **kwargs: Any) -> None:
        """A launch starts, or is resumed: the log is headed anew."""
        self._border.attempt("start recording", self._watch, args, state, kwargs)

    def on_step_begin(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        """A step of the optimizer begins."""
        self._steps_begin = True
        self._call("step_begin", state, 1)

    def on_pre_optimizer_step(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        """The gradients of a step are whole and clipped."""
        self._call("before_optimizer", state, 1)

    def on_optimizer_step(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        """The weights were changed."""
        self._call("after_optimizer", state, 1)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """An optimizer step ended, logged or not."""
        self._attempt("record a step", self._step, args, state, control, kwargs)
        self._each("steer", control)

    def on_log(self, args: Any, state: Any, _control: Any, logs: Mapping[str, object] | None = None, **kwargs: Any) -> None:
        """The trainer logs a row."""
        self._attempt("record the metrics", self._log, args, state, logs, kwargs)

    def on_save(self, args: Any, state: Any, _control: Any, **kwargs: Any) -> None:
        """A checkpoint was saved."""
        self._attempt("record a checkpoint", self._checkpoint, args, state, kwargs)

    def on_train_end(self, args: Any, state: Any, _control: Any, **kwargs: Any) -> None:
        """The training loop returned."""
        self._attempt("record the end", self._end, args, state, kwargs)

    def _attempt(self, task: str, work: Callable[..., Any], *arguments: Any) -> None:
        if not self._standing_back:
            self._border.attempt(task, work, *arguments)

    def _tell(self, message: str) -> None:
        if self._recorder is not None:
            self._recorder.failure(message)

    @property
    def besides(self) -> bool:
        """Whether recording is not what this callback is for: then another that comes later takes it over."""
        return False

    def hand_over(self) -> None:
        """Leave the recording of this training to another callback."""
        self._standing_back = True
        self._loop = None
        self._let_go()
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.close()

    @property
    def recording(self) -> bool:
        """Whether a training that this callback writes down is running."""
        return self._loop is not None and self._loop.runs()

    def stand_alone(self, folder: Path) -> None:
        """Tell that a second callback wants to write down the same training, and does not."""
        self._border.say(f"found a second RLDKCallback for {folder}; it records nothing: one is enough")

    def _folder(self, args: Any) -> Path:
        return Path(self._output_dir if self._output_dir is not None else args.output_dir).absolute()

    def _begin(self, args: Any, state: Any, kwargs: Mapping[str, Any]) -> Recorder:
        self._let_go()
        folder = self._folder(args)
        self._recorder = recorder = Recorder(folder, rank_of(args), self._border)
        run_id = self._run_id or _run_name(args, folder)
        recorder.start(run_started(args, state, kwargs.get("model"), run_id, self._border))
        return recorder

    def _watch(self, args: Any, state: Any, kwargs: Mapping[str, Any]) -> None:
        folder = self._folder(args)
        other = claim(self, folder, rank_of(args))
        self._standing_back = other is not None
        if other is not None:
            if not self.besides:
                other.stand_alone(folder)
            return
        self._loop = TrainingLoop()
        self._steps_begin = False
        found = self._border.attempt("look whose events this directory holds", other_run, folder, rank_of(args), state)
        recorder = self._begin(args, state, kwargs)
        if found:
            self._border.say(found)
        parts = self._border.attempt("prepare what is watched", parts_for, self._options) or []
        parts = [*parts, self._history, *([Listening(self._listeners, self._newest)] if self._listeners else [])]
        self._calls = {event: _listening(parts, event) for event in EVENTS}
        self._each("begin", self._training(args, state, kwargs, recorder))
        busy = [part for part in parts if not part.idle]
        self._calls = {event: _listening(busy, event) for event in EVENTS}
        while self._early:
            step, logs = self._early.popleft()
            if step == state.global_step:  # else it is not the model that a checkpoint brings
                self._log(args, state, logs, kwargs)

    def _training(self, args: Any, state: Any, kwargs: Mapping[str, Any], recorder: Recorder) -> Training:
        return Training(
            args=args,
            state=state,
            model=kwargs.get("model"),
            optimizer=kwargs.get("optimizer"),
            scheduler=kwargs.get("lr_scheduler"),
            processing_class=kwargs.get("processing_class"),
            dataloader=kwargs.get("train_dataloader"),
            trainer=self._trainer,
            algorithm=trainer_names(args)[0],
            run_directory=recorder.run_directory,
            is_main=bool(state.is_world_process_zero),
            loop=self._loop or TrainingLoop(),
            recorder=recorder,
            border=self._border,
        )

    def _each(self, event: str, *arguments: Any) -> None:
        """Every part that listens to this event, each for itself."""
        self._border.attempt_each(self._calls[event], *arguments)

    def _call(self, event: str, state: Any, ahead: int) -> None:
        """The parts that listen, with the step that is being made."""
        if self._calls[event]:
            self._border.attempt("read the step", self._at_step, event, state, ahead)

    def _at_step(self, event: str, state: Any, ahead: int) -> None:
        self._each(event, state.global_step + ahead)

    def _let_go(self) -> None:
        """Of the parts of a training before this one."""
        self._each("close")
        self._calls = {event: [] for event in EVENTS}

    def _failed(self, failure: BaseException) -> None:
        """An exception leaves the attached trainer: whatever listens inside it is taken away before anybody else runs."""
        if self._loop is None:
            return
        self._loop = None
        if self._recorder is not None:
            self._border.attempt("write down the exception that ended the training", self._recorder.broke, told(failure))
        self._each("over")
        self._border.attempt("let go of the training", self._let_go)

    def _recording(self, args: Any, state: Any, kwargs: Mapping[str, Any]) -> Recorder:
        """The recorder; begun here for a callback that was added to a training that runs already."""
        return self._recorder or self._begin(args, state, kwargs)

    def _log(self, args: Any, state: Any, logs: Mapping[str, object] | None, kwargs: Mapping[str, Any]) -> None:
        if logs and self._comes_early(args, state, logs):
            self._early.append((state.global_step, dict(logs)))
            return
        recorder = self._recording(args, state, kwargs)
        if logs and state.is_world_process_zero:
            row = recorder.metrics(state.global_step, logs)
            self._each("logged", row.step, row.phase, row.values)

    def _comes_early(self, args: Any, state: Any, logs: Mapping[str, object]) -> bool:
        """Whether this is an evaluation before a training: of a training that never comes it would be no run.

        A directory that holds a finished training would be said to hold one that died.
        """
        if self._loop is not None or state.global_step or phase_of(logs) is not Phase.EVAL:
            return False
        return self._recorder is None or self._recorder.run_directory != self._folder(args)

    def _step(self, args: Any, state: Any, control: Any, kwargs: Mapping[str, Any]) -> None:
        recorder = self._recording(args, state, kwargs)
        self._each("step_end", state.global_step)
        # the loop that begins steps logs right after this; PPO's has logged already
        follows = self._steps_begin and state.is_world_process_zero and getattr(control, "should_log", False) is True
        recorder.heartbeat(state.global_step, log_follows=follows)

    def _checkpoint(self, args: Any, state: Any, kwargs: Mapping[str, Any]) -> None:
        recorder = self._recording(args, state, kwargs)
        if state.is_world_process_zero:
            folder = Path(args.output_dir) / _CHECKPOINT.format(step=state.global_step)
            recorder.checkpoint(state.global_step, folder)
            self._each("saved", state.global_step, folder)

    def _end(self, args: Any, state: Any, kwargs: Mapping[str, Any]) -> None:
        recorder = self._recording(args, state, kwargs)
        self._loop = None
        self._each("ended", state.global_step)
        recorder.end(state.global_step, state.max_steps)
        self._each("over")


def _listening(parts: list[Part], event: str) -> list[tuple[str, Any]]:
    """The calls of the parts that override this event."""
    return [(part.task, getattr(part, event)) for part in parts if getattr(type(part), event) is not getattr(Part, event)]


def _run_name(args: Any, folder: Path) -> str:
    """The trainer's name for the run; older transformers repeat the output directory there, which is no name."""
    name = getattr(args, "run_name", None)
    return name if isinstance(name, str) and name and name != args.output_dir else folder.resolve().name
