"""The training has stopped before its end.

What it means
    Nothing more is being written, the end of training is not on record, and the goal was not reached; or the training
    process is gone. Until it is restarted the run costs money and makes no progress. A run that is merely silent for ten
    times its own pace is called stalled: a warning, since saving, evaluating or a slow reward may explain it.

Why it happens
    Died: out of memory, on the GPU or the host (the kernel then kills without a word), a crash in sampling after NaN weights,
    a lost node, a time limit of the scheduler. Stalled: a hung collective of NCCL, a reward API or sandbox that never answers,
    a data loader that waits for its workers.

What to do
    Died: read the end of the job's own output and `dmesg` for "Out of memory", and look at the findings just before the last
    step. Then resume from the last complete checkpoint (`resume_from_checkpoint=True`); TRL's PPO cannot resume, so start it
    again from the weights of that checkpoint. Stalled: `py-spy dump --pid PID` on
    the training process shows where it waits.

Where the limit comes from
    Stalled after ten times the run's own median step, dead after a hundred times where the process cannot be asked, at once
    where it can be and is gone. SageMaker Debugger's StalledTrainingRule waits 1800 s whatever the pace; a fixed number is too
    long for a run of seconds a step and too short for one that saves for an hour. TRL writes no end record when it is killed,
    crashes or is interrupted (seen for SIGKILL, SIGTERM and exceptions with TRL 1.16).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rldk_tui.diagnosis.rule import Family, StateRule, StateVerdict, Telling
from rldk_tui.events import Advice, Algorithm, Checkpoint, RunState, Severity
from rldk_tui.run import RunSnapshot


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a silence means what is told by the run's own pace; see `rldk_tui.run.pulse` and the manual.

    Attributes:
        reached: The share of the planned steps from which a training that says it ended has reached its goal.
    """

    reached: float = 1.0


LIMITS = Limits()


def evaluable(snapshot: RunSnapshot) -> str | None:
    """A reason if nothing tells whether the run lives."""
    if snapshot.state is RunState.WAITING:
        return "nothing was logged yet"
    if snapshot.state is RunState.UNKNOWN:
        if snapshot.last_event_at is None:
            return "the log has no clock and no record of an end, so a finished run cannot be told from a dead one"
        return "the log stopped without a record of an end, and how many steps were planned is not known"
    return None


def judge(snapshot: RunSnapshot, limits: Limits) -> StateVerdict | None:
    """Died, stalled, or ended short of its goal."""
    step = snapshot.step or 0
    match snapshot.state:
        case RunState.DIED:
            return StateVerdict(severity=Severity.CRITICAL, step=step, telling=_died(snapshot))
        case RunState.STALLED:
            return StateVerdict(severity=Severity.WARNING, step=step, telling=_stalled(snapshot))
        case RunState.FINISHED if _short(snapshot, limits):
            return StateVerdict(severity=Severity.INFO, step=step, telling=_ended_early(snapshot))
        case _:
            return None


def _short(snapshot: RunSnapshot, limits: Limits) -> bool:
    goal = snapshot.info.max_steps
    return goal is not None and snapshot.step is not None and 0 < snapshot.step < limits.reached * goal


def _where(snapshot: RunSnapshot) -> str:
    goal = snapshot.info.max_steps
    if snapshot.step is None:
        return "before its first step"
    return f"at step {snapshot.step} of {goal}" if goal else f"at step {snapshot.step}"


def _silence(snapshot: RunSnapshot) -> str:
    if snapshot.last_event_at is None:
        return ""
    silent = snapshot.taken_at - snapshot.last_event_at
    pace = f"; a step took {snapshot.step_seconds:.3g} s" if snapshot.step_seconds else ""
    return f" {_duration(silent)} ago{pace}"


def _duration(seconds: float) -> str:
    for size, name in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"


def _last_checkpoint(snapshot: RunSnapshot) -> Advice:
    usable = [checkpoint for checkpoint in snapshot.checkpoints if checkpoint.complete is not False]
    if not usable:
        return Advice(text="There is no checkpoint to resume from; set save_steps so that the next run has one.")
    best = max(usable, key=lambda checkpoint: (checkpoint.complete is True, _seen(checkpoint), checkpoint.step))
    doubts = [
        *(["if it is still there"] if not _seen(best) else []),
        *(["if it is complete"] if best.complete is None else []),
    ]
    when = " and ".join([*doubts, "once the cause is found"])
    if snapshot.info.algorithm is Algorithm.PPO:
        text = f"Start again from the weights of the checkpoint of step {best.step} ({best.path}), {when}; PPO cannot resume."
        return Advice(text=text)
    text = f"Resume from the checkpoint of step {best.step}, {when}"
    return Advice(text=text, parameter="resume_from_checkpoint", proposed=best.path)


def _seen(checkpoint: Checkpoint) -> bool:
    """Whether the folder itself was looked at: that event has no time.

    One with a time is the trainer's word when it saved, and the folder may have been rotated away or left behind since.
    """
    return math.isnan(checkpoint.time)


def _died(snapshot: RunSnapshot) -> Telling:
    return Telling(
        summary=f"The run died {_where(snapshot)}: the last sign of life came{_silence(snapshot) or ' without a clock'}.",
        cause="The training process ended without saying so: killed, out of memory, or crashed.",
        advice=(
            Advice(text="Read the end of the job's output, and dmesg for 'Out of memory'."),
            _last_checkpoint(snapshot),
        ),
    )


def _stalled(snapshot: RunSnapshot) -> Telling:
    pid = snapshot.info.pid
    return Telling(
        summary=f"The run is stalled {_where(snapshot)}: the last sign of life came{_silence(snapshot)}.",
        cause="The training process waits for something: a collective, a reward service, data, or a long save.",
        advice=(Advice(text=f"py-spy dump --pid {pid if pid is not None else 'PID'} shows where it waits."),),
    )


def _ended_early(snapshot: RunSnapshot) -> Telling:
    return Telling(
        summary=f"Training ended {_where(snapshot)} and said so.",
        cause="A callback or the user stopped it, or the data ended before the planned steps.",
    )


RULE = StateRule(limits=LIMITS, family=Family.SYSTEM, judge=judge, evaluable=evaluable)
