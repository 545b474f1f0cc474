"""A few tensors moved far more than all the others.

What it means
    Between two checkpoints one tensor, or a few, changed out of all proportion. What the model learned there before is
    written over, and the rest of the network, which hardly moved, no longer fits to it.

Why it happens
    A layer with gradients that blow up, too high a learning rate for one group of parameters, a layer that was initialised
    anew by mistake, weights that were edited or loaded wrongly in between, or an embedding that nearly no token uses.

What to do
    Look at the tensors named. Freeze what is not to be trained, give new layers a learning rate of their own, lower
    `learning_rate` and `max_grad_norm`, and compare with the checkpoint before. Where the weights were edited on purpose,
    nothing is wrong.

Where the limit comes from
    Catalogue: a robust z above 8 among the logarithms of all tensors' changes, together with a change of more than 5 % in 100
    steps, is a warning, of more than 30 % high. In tunings of small models where all is well the z stays below 2, however
    large the learning rate, since all tensors move together. TheDeepChecker (arXiv 2204.00694) asks the same of growth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rldk_tui.charts.format import percent
from rldk_tui.checkpoints import words
from rldk_tui.checkpoints.limits import JUMP_HIGH, JUMP_WARNING, JUMP_Z
from rldk_tui.diagnosis.blame import RatePast, learning_rates, lower_learning_rate
from rldk_tui.diagnosis.levels import graded, scope_rows
from rldk_tui.diagnosis.measurements import in_these_rows, named
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows

OUTLIER, Z = "checkpoint/change_outlier", "checkpoint/change_outlier_z"


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual: `z` among the tensors, and relative changes in 100 steps."""

    z: float = JUMP_Z
    warning: float = JUMP_WARNING
    high: float = JUMP_HIGH


LIMITS = Limits()


def watch(rows: Rows, past: RatePast, context: Context) -> Verdict[RatePast]:
    """A change that is large, and large beside the others."""
    limits: Limits = context.limits
    at, change = scope_rows(rows, context)
    z = in_these_rows(rows, at, Z)
    facts, rate = learning_rates(rows, at, past)
    alone = z > limits.z
    level = graded(
        [alone & (change > limits.high), alone & (change > limits.warning)], [Severity.HIGH.rank, Severity.WARNING.rank]
    )
    return Verdict(
        at=at,
        breach=level > 0,
        level=level,
        value=np.where(alone, change, np.nan),
        limit=np.where(level == Severity.HIGH.rank, limits.high, limits.warning),
        past=rate,
        facts={**facts, "z": z},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    z = episode.facts.get("z", context.limits.z)
    return Telling(
        summary=f"{words.jumped(percent(episode.peak), percent(episode.limit), z)}, before the checkpoint of step "
        f"{episode.first_step}{named(episode, context)}.",
        cause="The change is confined to a few tensors, so it is no matter of learning as a whole.",
        advice=(
            Advice(text=f"Compare these tensors with the checkpoint before step {episode.first_step}: {words.MEANT_TO_CHANGE}"),
            lower_learning_rate(episode, context.info, guessed=True),
        ),
    )


RULE = RowRule(
    family=Family.CHECKPOINT,
    reads=(OUTLIER,),
    watch=watch,
    limits=LIMITS,
    fresh=RatePast(),
    tell=tell,
    needs=Need.CHECKPOINT,
    close_after=1,
    reopen_within=2,
    ceiling=Severity.HIGH,
    explained_by=("lr-out-of-band", "update-ratio-out-of-band"),
)
