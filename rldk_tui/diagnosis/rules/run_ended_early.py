"""The training ended before the planned steps.

What it means
    The training loop returned by itself and said so, but short of the steps it was to take. The last weights are those of
    where it stopped; schedules of the learning rate and of the penalty were cut off in their middle.

Why it happens
    Early stopping or another callback ended it, somebody pressed stop, a time limit made it end in good order, or the data
    ended before the planned steps. TRL's PPO ignores a callback that asks it to stop.

What to do
    If it was meant, nothing. Otherwise look at who set `should_training_stop`, at `num_train_epochs` and the length of the
    dataset, and continue with `resume_from_checkpoint=True`.

Where the limit comes from
    The definition: an end on record, as transformers' trainers write it, below the planned `max_steps`. It is a remark, for a
    run that says how it ended is in good order.
"""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.diagnosis.rule import Family, StateRule, StateVerdict, Telling
from rldk_tui.diagnosis.standing import cannot_tell, share_reached, where
from rldk_tui.events import RunState, Severity
from rldk_tui.run import RunSnapshot


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual.

    Attributes:
        reached: The share of the planned steps from which a training that says it ended has reached its goal.
    """

    reached: float = 1.0


LIMITS = Limits()


def judge(snapshot: RunSnapshot, limits: Limits) -> StateVerdict | None:
    """Ended, and short of its goal."""
    share = share_reached(snapshot)
    if snapshot.state is not RunState.FINISHED or share is None or not 0 < share < limits.reached:
        return None
    telling = Telling(
        summary=f"Training ended {where(snapshot)} and said so.",
        cause="A callback or the user stopped it, or the data ended before the planned steps.",
    )
    return StateVerdict(severity=Severity.INFO, step=snapshot.step or 0, telling=telling)


RULE = StateRule(limits=LIMITS, family=Family.SYSTEM, judge=judge, evaluable=cannot_tell, ceiling=Severity.INFO)
