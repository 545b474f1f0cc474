"""The training is there, but nothing happens any more.

What it means
    The last sign of life lies ten times as far back as usual in this run, and farther than its longest pause, while the
    process is there or cannot be asked. Machines are paid for and nothing is learned. Saving, evaluating or a slow reward may
    explain it at first, so it is a warning; after half an hour it is high.

Why it happens
    A hung collective of NCCL because one worker failed, a reward service or sandbox that never answers, a data loader that
    waits for its workers, a file system that blocks the save, a host that swaps.

What to do
    `py-spy dump --pid PID` on the training process shows where it waits, `nvidia-smi` whether its GPUs still work. Give every
    call out of the reward function a timeout, set `ddp_timeout` so that a hung collective raises an error, then restart from
    the last checkpoint.

Where the limit comes from
    Catalogue: ten times the run's own median pace, and 1800 s, which is what SageMaker Debugger's StalledTrainingRule waits
    whatever the pace. The multiple alone only warns, since a first evaluation may well take as long; the half hour makes it
    high. Where the process cannot be asked, a hundred times the pace is a death, and where it is gone that is told at once:
    both are the rule run-died's.
"""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.rule import Family, StateRule, StateVerdict, Telling
from rldk_tui.diagnosis.standing import cannot_tell, silence, since, where
from rldk_tui.events import Advice, RunState, Severity
from rldk_tui.run import RunSnapshot


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on a silence is a stall is told by the run's own pace; see `rldk_tui.run.pulse` and the manual.

    Attributes:
        high: Seconds of silence from which a stall is grave.
    """

    high: float = 1800.0


LIMITS = Limits()


def judge(snapshot: RunSnapshot, limits: Limits) -> StateVerdict | None:
    """Silent far beyond its own pace."""
    if snapshot.state is not RunState.STALLED:
        return None
    grave = silence(snapshot) > limits.high
    return StateVerdict(
        severity=Severity.HIGH if grave else Severity.WARNING, step=snapshot.step or 0, telling=_telling(snapshot)
    )


def _telling(snapshot: RunSnapshot) -> Telling:
    info = snapshot.info
    distributed = info.world_size > 1
    return Telling(
        summary=f"The run is stalled {where(snapshot)}: the last sign of life came {since(snapshot)}.",
        cause="The training process waits for something: a collective, a reward service, data, or a long save.",
        advice=(
            Advice(text=f"py-spy dump --pid {info.pid if info.pid is not None else 'PID'} shows where it waits."),
            Advice(text="Give every call out of the reward function a timeout."),
            *([set_to(info, "ddp_timeout", "Let a hung collective raise an error", "600")] if distributed else []),
        ),
    )


RULE = StateRule(
    limits=LIMITS,
    family=Family.SYSTEM,
    judge=judge,
    evaluable=cannot_tell,
    ceiling=Severity.HIGH,
    explained_by=("memory-creep", "throughput-regression"),
)
