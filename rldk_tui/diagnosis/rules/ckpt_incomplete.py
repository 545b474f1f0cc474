"""A checkpoint was not written to its end.

What it means
    The file that a checkpoint is finished with, `trainer_state.json`, is missing from its folder. Nothing can be resumed from
    there: optimizer, random numbers or even weights may be missing or cut off. A script that takes the newest folder will
    fail, or start from what happens to be there.

Why it happens
    The process was killed or crashed while it saved, the disk was full, or the folder was copied before it was whole.

What to do
    Resume from the newest complete checkpoint and delete this one. See that there is room for one more checkpoint than
    `save_total_limit` keeps, and that a time limit leaves enough of it to save.

Where the limit comes from
    Nothing to measure: the Trainer of transformers writes `trainer_state.json` last, so with it a folder is whole. The newest
    checkpoint of a run that lives may be in the middle of being written and is given the benefit of the doubt. High where it
    is the newest, a warning where a newer complete one stands, and a remark with `save_only_model=True`, from which nothing is
    ever resumed. Catalogue: high.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rldk_tui.diagnosis.rule import Family, Need, StateRule, StateVerdict, Telling
from rldk_tui.events import Advice, Algorithm, Checkpoint, RunState, Severity
from rldk_tui.run import RunSnapshot


@dataclass(frozen=True, slots=True)
class Limits:
    """Incomplete checkpoints that are named in the words."""

    named: int = 3


LIMITS = Limits()
_MAY_BE_SAVING = frozenset({RunState.WAITING, RunState.LIVE, RunState.SLOW, RunState.STALLED})


def evaluable(snapshot: RunSnapshot) -> str | None:
    """A reason if no checkpoint was looked at."""
    if not snapshot.checkpoints:
        return "no checkpoint was saved yet"
    unknown = all(checkpoint.complete is None for checkpoint in snapshot.checkpoints)
    return "whether the checkpoints are complete is not known" if unknown else None


def judge(snapshot: RunSnapshot, limits: Limits) -> StateVerdict | None:
    """Checkpoints without the file that is written last."""
    newest = max(checkpoint.step for checkpoint in snapshot.checkpoints)
    saving = _may_be_saving(snapshot)
    broken = [
        checkpoint
        for checkpoint in snapshot.checkpoints
        if checkpoint.complete is False and not (saving and checkpoint.step == newest)
    ]
    if not broken:
        return None
    if snapshot.info.config.get("save_only_model") is True:
        severity = Severity.INFO
    else:
        severity = Severity.HIGH if broken[-1].step == newest else Severity.WARNING
    return StateVerdict(severity=severity, step=broken[-1].step, telling=_telling(snapshot, broken, limits))


def _may_be_saving(snapshot: RunSnapshot) -> bool:
    """Whether the run may be writing its newest checkpoint at this moment; a log without a clock does not tell."""
    return snapshot.state in _MAY_BE_SAVING or (snapshot.state is RunState.UNKNOWN and snapshot.last_event_at is None)


def _telling(snapshot: RunSnapshot, broken: Sequence[Checkpoint], limits: Limits) -> Telling:
    steps = ", ".join(str(checkpoint.step) for checkpoint in broken[-limits.named :])
    which = f"The checkpoint of step {steps} is" if len(broken) == 1 else f"{len(broken)} checkpoints (steps {steps}) are"
    whole = [checkpoint for checkpoint in snapshot.checkpoints if checkpoint.complete]
    return Telling(
        summary=f"{which} incomplete: trainer_state.json, which is written last, is missing.",
        cause="The process ended while it saved, or the disk was full.",
        advice=(
            _resume(whole[-1], snapshot) if whole else Advice(text="There is no complete checkpoint to resume from."),
            Advice(text=f"Delete {broken[-1].path}, so that nothing resumes from it."),
        ),
    )


def _resume(whole: Checkpoint, snapshot: RunSnapshot) -> Advice:
    if snapshot.info.algorithm is Algorithm.PPO:
        return Advice(text=f"Start again from the weights of step {whole.step} ({whole.path}); PPO cannot resume.")
    text = f"Resume, if need be, from the complete checkpoint of step {whole.step}"
    return Advice(text=text, parameter="resume_from_checkpoint", proposed=whole.path)


RULE = StateRule(
    family=Family.CHECKPOINT,
    judge=judge,
    evaluable=evaluable,
    limits=LIMITS,
    needs=Need.LOG,  # the names in a folder tell nothing that logs hide, so they do not make an A sure
    ceiling=Severity.HIGH,
    explained_by=("run-died",),
)
