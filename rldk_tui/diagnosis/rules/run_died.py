"""The training has stopped before its end.

What it means
    Nothing more is being written, the end of training is not on record, and the goal was not reached; or the training
    process is gone. Until it is restarted the run costs money and makes no progress.

Why it happens
    Out of memory, on the GPU or the host (the kernel then kills without a word), a crash in sampling after NaN weights, a lost
    node, a time limit of the scheduler.

What to do
    Read the end of the job's own output and `dmesg` for "Out of memory", and look at the findings just before the last step.
    Then resume from the last complete checkpoint (`resume_from_checkpoint=True`); TRL's PPO cannot resume, so start it again
    from the weights of that checkpoint.

Where the limit comes from
    Dead after a hundred times the run's own median step where the process cannot be asked, at once where it can be and is
    gone; a silence shorter than that is the rule stalled's. TRL writes no end record when it is killed, crashes or is
    interrupted (seen for SIGKILL, SIGTERM and exceptions with TRL 1.16). RLDKCallback writes down the exception that left the
    training loop, and then nothing is waited for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rldk_tui.diagnosis.rule import Family, StateRule, StateVerdict, Telling
from rldk_tui.diagnosis.standing import cannot_tell, share_reached, since, where
from rldk_tui.events import Advice, Algorithm, Checkpoint, RunState, Severity
from rldk_tui.run import RunSnapshot


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a silence means what is told by the run's own pace; see `rldk_tui.run.pulse` and the manual.

    Attributes:
        reached: The share of the planned steps from which a training that is gone has reached its goal all the same.
    """

    reached: float = 1.0


LIMITS = Limits()


def judge(snapshot: RunSnapshot, limits: Limits) -> StateVerdict | None:
    """Gone, and short of its goal."""
    share = share_reached(snapshot)
    if snapshot.state is not RunState.DIED:
        return None
    if snapshot.failure is None and share is not None and share >= limits.reached:
        return None
    return StateVerdict(severity=Severity.CRITICAL, step=snapshot.step or 0, telling=_telling(snapshot))


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


def _telling(snapshot: RunSnapshot) -> Telling:
    if snapshot.failure is not None:
        return Telling(
            summary=f"The run died {where(snapshot)}: {snapshot.failure}.",
            cause="An exception left the training loop; this is its text.",
            advice=(
                Advice(text="Read its traceback at the end of the job's output, and what is told of the steps before it."),
                _last_checkpoint(snapshot),
            ),
        )
    return Telling(
        summary=f"The run died {where(snapshot)}: the last sign of life came {since(snapshot)}.",
        cause="The training process ended without saying so: killed, out of memory, or crashed.",
        advice=(
            Advice(text="Read the end of the job's output, and dmesg for 'Out of memory'."),
            _last_checkpoint(snapshot),
        ),
    )


RULE = StateRule(
    limits=LIMITS,
    family=Family.SYSTEM,
    judge=judge,
    evaluable=cannot_tell,
    explained_by=("memory-creep", "nan-step-masked", "ckpt-nonfinite"),
)
