"""Live diagnosis beside the training: `rldk watch` in a child process, whose findings come back at the end of a step.

The training pays for a thread that sleeps in `read` and for one look at an empty queue a step. What is heard is written into
the log as `finding` events, which record what was said when and are never judged again.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import msgspec

from rldk_tui.errors import UserError
from rldk_tui.events import Algorithm, Finding, FindingChange, FindingReported, Severity
from rldk_tui.events.wire import event_from
from rldk_tui.integrations.trl.child import Child, rldk
from rldk_tui.integrations.trl.part import Part, Training
from rldk_tui.integrations.trl.stopping import CANNOT_STOP, Stopping

OnFinding: TypeAlias = Callable[[Finding, FindingChange], object]
"""What a user hands over to hear of findings."""

INTERVAL = 1.0
"""Seconds between two looks of the child."""
LAST_WORDS = 5.0
"""Seconds that the end of training waits for what the child still has to say, where somebody wants to hear it."""
_NICE = 10
_MOST_UNHEARD = 1000
"""Changes that wait for the end of a step; of more, the oldest are forgotten."""


class LiveDiagnosis(Part):
    """Starts the child, hears it, and hands over what it says.

    Args:
        on_finding: Called in the training's thread at the end of a step, or at the end of training; None for nobody.
        stop_on: From this severity on a finding that opens or escalates stops the training; None never does.
        stopping: Whom to ask for it.
    """

    task = "diagnose the training while it runs"

    def __init__(self, on_finding: OnFinding | None, stop_on: Severity | None, stopping: Stopping) -> None:
        self._on_finding = on_finding
        self._stop_on = stop_on
        self._stopping = stopping
        self._training: Training | None = None
        self._child: Child | None = None
        self._thread: threading.Thread | None = None
        self._heard: deque[FindingReported] = deque(maxlen=_MOST_UNHEARD)
        self._leaving = False

    def begin(self, training: Training) -> None:
        """Start the child, in the process that logs."""
        self._training = training
        if not training.is_main:
            return
        if self._stop_on is not None and training.algorithm is Algorithm.PPO:
            training.border.say(f"stop_on will save a checkpoint and not stop the training: {CANNOT_STOP}")
        self._child = Child(_watch(training.run_directory))
        self._thread = threading.Thread(target=self._listen, args=(training, self._child), name="rldk-findings", daemon=True)
        self._thread.start()

    def _listen(self, training: Training, child: Child) -> None:
        """Until the child ends; a line that is none of its own is told, and the rest is heard."""
        for line in child.lines():
            try:
                change = _reported(line)
            except (msgspec.MsgspecError, KeyError, TypeError) as failure:
                training.border.say(f"could not understand the live diagnosis: {failure}")
                continue
            if change is not None:
                self._heard.append(change)
        child.ended_within(LAST_WORDS)
        if not self._leaving:
            training.border.say(f"the live diagnosis ended before the training: {child.last_words()}")

    def step_end(self, step: int) -> None:  # noqa: ARG002
        """Hand over what was heard."""
        if self._heard:
            self._hand_over()

    def _hand_over(self) -> None:
        training = self._training
        while training is not None and self._heard:
            event = self._heard.popleft()
            finding, change = event.finding, event.change
            training.recorder.write(event)
            if self._on_finding is not None:
                training.border.attempt("call on_finding", self._on_finding, finding, change)
            if self._stop_on is not None and change is not FindingChange.CLOSED and finding.severity.rank >= self._stop_on.rank:
                self._stopping.ask(f"stopped on the {finding.severity.value} finding {finding.id}")

    def ended(self, step: int) -> None:  # noqa: ARG002
        """Hear what the last steps were found to be."""
        self._leave(LAST_WORDS if self._on_finding is not None else 0.0)
        self._hand_over()

    def close(self) -> None:
        """Let go of the child without waiting."""
        self._leave(0.0)

    def _leave(self, patience: float) -> None:
        """Have the child look once more and end; it is killed when that takes longer."""
        child, self._child = self._child, None
        if child is None:
            return
        self._leaving = True
        child.finish(b"\n")
        if not child.ended_within(patience):
            child.kill()
        if self._thread is not None:
            self._thread.join(timeout=1.0)


def severity_from(stop_on: str | Severity | None) -> Severity | None:
    """The severity that a user named.

    Raises:
        UserError: if it is none.
    """
    if stop_on is None:
        return None
    try:
        return Severity(stop_on)
    except ValueError:
        raise UserError(f"stop_on={stop_on!r} is no severity.", f"One of: {', '.join(Severity)}.") from None


def _watch(run: Path) -> list[str]:
    options = ("--json", "--follow", "--until-eof", "--interval", str(INTERVAL), "--nice", str(_NICE))
    return rldk("watch", str(run), *options, "--while", str(os.getpid()))


def _reported(line: bytes) -> FindingReported | None:
    """The event that a line of the watch stands for; None for a change of the run's state.

    Raises:
        msgspec.MsgspecError: if it is no line of a watch.
        KeyError, TypeError: likewise.
    """
    told = msgspec.json.decode(line)
    if told["finding"] is None:
        return None
    raw = {"type": "finding", "time": time.time(), "finding": told["finding"], "change": told["change"]}
    event = event_from(raw)
    return event if isinstance(event, FindingReported) else None
