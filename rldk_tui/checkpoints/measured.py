"""An analysis as an event of the run's log."""

from __future__ import annotations

import math

from rldk_tui.checkpoints.analysis import CheckpointAnalysis
from rldk_tui.checkpoints.issues import CheckpointIssue
from rldk_tui.events import Checkpoint, Event, ExtractionError, Measured

_MOST_ISSUES, _LONGEST = 8, 400
"""Issues of a checkpoint that the log tells, worst first, and characters of each: names of tensors may be of any length."""


def events_of(analysis: CheckpointAnalysis, time: float, *, path: str | None = None) -> tuple[Event, ...]:
    """What a run's log is told of a checkpoint: what was measured on it, and what of it could not be read.

    Args:
        analysis: Of a checkpoint whose step is known.
        time: Unix seconds, of the save: when an analysis is made says nothing of the run.
        path: The checkpoint's place as the log names it; None to leave the folder to whoever looks at it.

    Raises:
        ValueError: if the checkpoint's step is not known.
    """
    if analysis.step is None:
        raise ValueError("a checkpoint without a step has no place in a log")
    values: dict[str, float | None] = {name: figure.value for name, figure in sorted(analysis.figures.items())}
    values.update(_judged(analysis))
    named = {name: figure.about for name, figure in sorted(analysis.figures.items()) if figure.about}
    if analysis.issues:
        named["checkpoint/issues"] = tuple(map(_told, analysis.issues[:_MOST_ISSUES]))
    events: list[Event] = []
    if path is not None:
        events.append(Checkpoint(time=time, step=analysis.step, path=path, complete=analysis.complete, size=analysis.size))
    events.append(Measured(time=time, step=analysis.step, values=values, named=named))
    for problem in analysis.problems:
        about = problem.source if problem.tensor is None else f"{problem.source}: {problem.tensor}"
        message = f"checkpoint of step {analysis.step}, {about}: {problem.message}"
        events.append(ExtractionError(time=time, step=analysis.step, message=message, advice=problem.advice))
    return tuple(events)


def _judged(analysis: CheckpointAnalysis) -> dict[str, float | None]:
    """The score and the drift; a drift that cannot be told is left out, a score that cannot be given is none."""
    judged: dict[str, float | None] = {
        "checkpoint/health": analysis.health,
        "checkpoint/issues": float(len(analysis.issues)),
        "checkpoint/usable": float(analysis.usable),
    }
    for name, drift in (("drift_previous", analysis.since_previous), ("drift_first", analysis.since_first)):
        if drift is not None and math.isfinite(drift.relative):
            judged[f"checkpoint/{name}"] = drift.relative
    return judged


def _told(issue: CheckpointIssue) -> str:
    """An issue in one text: `critical ckpt-nonfinite: 1 tensor …`."""
    return f"{issue.severity.value} {issue.rule}: {issue.message}"[:_LONGEST]
