"""The steps of the log do not fit together.

What it means
    Two trainings write into one folder at the same time, or a large part of the steps that should have been logged is not
    there. Charts then mix what does not belong together, or show half of it.

Why it happens
    A job that was started twice, or restarted while the old process still ran; a log that was copied in part, thinned out or
    filtered by step; a logger that drops entries.

What to do
    Stop the second training, and give every training an `output_dir` of its own: checkpoints of the two overwrite each other
    as well. Copy a log whole. A resumed training is no fault, it repeats the steps since its checkpoint.

Where the limit comes from
    Catalogue: two runs in one log are high, gaps a remark. Two launches count as simultaneous if both trained, their steps
    overlap, and the later one began more than a minute before the earlier one's last log, since clocks of two machines
    differ. Only logs that name their process (event logs, TensorBoard's) count: two tables may be of two models that one
    training trains. Half of the logs that `logging_steps` of transformers' trainers promises must be missing before it is
    remarked.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from rldk_tui.diagnosis.rule import Family, StateRule, StateVerdict, Telling
from rldk_tui.events import Advice, Severity
from rldk_tui.run import RunSnapshot, Segment


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        clocks: Seconds by which the clocks of two machines may differ.
        missing: The share of the promised logs that must be missing to be remarked, and `logs` how many at least.
    """

    clocks: float = 60.0
    missing: float = 0.5
    logs: int = 20


LIMITS = Limits()
_TRAINED = ("learning_rate", "loss")


def evaluable(snapshot: RunSnapshot) -> str | None:
    """Only what was logged can be irregular."""
    return None if any(len(segment.rows) for segment in snapshot.segments) else "nothing was logged yet"


def judge(snapshot: RunSnapshot, limits: Limits) -> StateVerdict | None:
    """Two trainings at once, else a log with holes."""
    trained = [segment for segment in snapshot.segments if any(name in segment.rows.columns for name in _TRAINED)]
    for earlier, later in pairwise(trained):
        if _at_once(earlier, later, limits):
            return StateVerdict(severity=Severity.HIGH, step=int(later.rows.steps[0]), telling=_two_trainings(earlier, later))
    for segment in trained:
        promised = _promised(segment)
        if promised >= limits.logs and len(segment.rows) < (1.0 - limits.missing) * promised:
            return StateVerdict(
                severity=Severity.INFO, step=int(segment.rows.steps[0]), telling=_holes(len(segment.rows), promised)
            )
    return None


def _at_once(earlier: Segment, later: Segment, limits: Limits) -> bool:
    """Whether one process was still logging the same steps when the next one did."""
    if earlier.info.pid is None or later.info.pid is None:
        return False
    ended, began = earlier.rows.times[-1], later.rows.times[0]
    overlap = later.rows.steps[0] <= earlier.rows.steps[-1]
    return bool(overlap and np.isfinite(ended) and np.isfinite(began) and ended > began + limits.clocks)


def _promised(segment: Segment) -> int:
    """How many logs there should be between the first and the last one; 0 where nothing is promised."""
    every = segment.info.setting("logging_steps")
    by_steps = segment.info.config.get("logging_strategy", "steps") in ("steps", None)
    if every is None or every < 1 or not by_steps:
        return 0
    return int((int(segment.rows.steps[-1]) - int(segment.rows.steps[0])) / every) + 1


def _two_trainings(earlier: Segment, later: Segment) -> Telling:
    return Telling(
        summary=f"Two trainings write into this folder at once: steps {int(later.rows.steps[0])}–{int(earlier.rows.steps[-1])} "
        f"were logged by {earlier.key} and, meanwhile, by {later.key}.",
        cause="A job was started twice, or restarted while the old process still ran.",
        advice=(
            Advice(text="Stop one of the two; their checkpoints overwrite each other."),
            Advice(text="Give every training an output_dir of its own."),
        ),
    )


def _holes(logs: int, promised: int) -> Telling:
    return Telling(
        summary=f"The log holds {logs} entries where {promised} were to be expected by logging_steps.",
        cause="It was copied in part or thinned out, or a logger drops entries.",
        advice=(Advice(text="Read the training's own folder, or add RLDKCallback, which logs every entry."),),
    )


RULE = StateRule(limits=LIMITS, family=Family.METRICS, judge=judge, evaluable=evaluable, ceiling=Severity.HIGH)
