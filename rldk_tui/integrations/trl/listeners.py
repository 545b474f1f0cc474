"""Custom callbacks: what the callback records, handed to the user's own code as typed events."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rldk_tui.events import (
    Checkpoint,
    Completions,
    Event,
    ExtractionError,
    Finding,
    FindingChange,
    FindingReported,
    Metrics,
    Phase,
    RunEnded,
    RunStarted,
)
from rldk_tui.integrations.trl.part import Part, Training

if TYPE_CHECKING:
    from rldk_tui.integrations.trl.metrics_record import RLDKMetrics

_KEPT = 4096
"""Events that wait at most for the next step's end, the oldest lost first."""


class TrainingCallback(ABC):
    """The base of a custom callback: override what is wanted, `on_metrics` at least.

    Every call comes in the training's own thread, at the end of a step or after a log; a call that raises is written down as
    an extraction error, and the training goes on. Hand instances to `RLDKCallback(listeners=[...])` or to
    `TRLIntegrationManager`.
    """

    @abstractmethod
    def on_metrics(self, metrics: RLDKMetrics) -> None:
        """The trainer logged a row of training or evaluation (`metrics.phase` tells which)."""

    def on_start(self, started: RunStarted) -> None:
        """The training begins, or is resumed."""

    def on_completions(self, completions: Completions) -> None:
        """Sampled replies were recorded, with their rewards."""

    def on_checkpoint(self, checkpoint: Checkpoint) -> None:
        """A checkpoint was saved."""

    def on_finding(self, finding: Finding, change: FindingChange) -> None:
        """The live diagnosis opened, escalated or closed a finding."""

    def on_error(self, error: ExtractionError) -> None:
        """Something could not be measured, or is not what it should be."""

    def on_end(self, ended: RunEnded) -> None:
        """The training is over."""

    def on_event(self, event: Event) -> None:
        """Any event at all, those above included; called after them."""


def wants_findings(listeners: Sequence[TrainingCallback]) -> bool:
    """Whether any of them does something with a finding: then a live diagnosis is run for it."""
    return any(type(listener).on_finding is not TrainingCallback.on_finding for listener in listeners)


def hear_findings(_finding: Finding, _change: FindingChange) -> None:
    """Asks for the live diagnosis; what it says reaches the custom callbacks as recorded events."""


class Listening(Part):
    """Hands recorded events to the custom callbacks."""

    task = "call a custom callback"

    def __init__(self, listeners: Sequence[TrainingCallback], metrics: Callable[[], RLDKMetrics | None]) -> None:
        """Prepare.

        Args:
            listeners: Whom to tell.
            metrics: Gives the record of the newest logged row.
        """
        self._listeners = tuple(listeners)
        self._metrics = metrics
        self._waiting: deque[Event] = deque(maxlen=_KEPT)
        self._training: Training | None = None

    def begin(self, training: Training) -> None:
        """Hear what is recorded from here on, and what was before."""
        self._training = training
        training.recorder.subscribe(self._waiting.append)
        self._tell()

    def step_end(self, step: int) -> None:  # noqa: ARG002
        """Tell what was recorded during the step."""
        self._tell()

    def logged(self, step: int, phase: Phase, values: dict[str, float | None]) -> None:  # noqa: ARG002
        """Tell what was logged."""
        self._tell()

    def saved(self, step: int, folder: object) -> None:  # noqa: ARG002
        """Tell of the checkpoint."""
        self._tell()

    def over(self) -> None:
        """Tell of the end."""
        self._tell()

    def _tell(self) -> None:
        training = self._training
        while self._waiting and training is not None:
            event = self._waiting.popleft()
            for listener in self._listeners:
                training.border.attempt(self.task, self._hand_over, listener, event)

    def _hand_over(self, listener: TrainingCallback, event: Event) -> None:
        match event:
            case Metrics():
                metrics = self._metrics()
                if metrics is not None:
                    listener.on_metrics(metrics)
            case RunStarted():
                listener.on_start(event)
            case Completions():
                listener.on_completions(event)
            case Checkpoint():
                listener.on_checkpoint(event)
            case FindingReported():
                listener.on_finding(event.finding, event.change)
            case ExtractionError():
                listener.on_error(event)
            case RunEnded():
                listener.on_end(event)
        listener.on_event(event)
