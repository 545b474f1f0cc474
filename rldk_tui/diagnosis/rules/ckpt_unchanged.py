"""Two checkpoints hold the same weights.

What it means
    Between two saves not one tensor changed, although the learning rate was on. Either the training changes nothing, or
    the weights that are saved are not those that are trained: in both cases this checkpoint is worth no more than the one
    before it.

Why it happens
    Frozen weights, an optimizer that holds other weights, gradients of zero, a base model saved in place of its adapter, or
    updates too small for the precision: a step of 1e-6 is lost in weights of bfloat16.

What to do
    See what nothing-trainable, lr-zero and dead-gradient say. Load adapters with `is_trainable=True`; keep the weights in
    float32 while training; save the model that the trainer trains, not the one it was made from.

Where the limit comes from
    Catalogue: the tensor that changed most moved by less than 1e-7 of itself, a hundredth of what single precision can tell
    apart over a few steps (SageMaker Debugger's UnchangedTensor takes 1e-5 and calls slow training by that name). Weights
    that are frozen on purpose do not matter, since one tensor that moved is enough. It counts only while the learning rate is
    above a hundredth of its height at one of the two saves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.checkpoints import words
from rldk_tui.checkpoints.limits import UNCHANGED
from rldk_tui.diagnosis.beside import last_known
from rldk_tui.diagnosis.blame import RatePast, learning_rates
from rldk_tui.diagnosis.levels import scope_rows
from rldk_tui.diagnosis.measurements import in_these_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows

SINCE = "checkpoint/steps_since"


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual.

    Attributes:
        change: The largest relative change of a tensor below which nothing changed.
        on: The share of its height above which the learning rate is on.
    """

    change: float = UNCHANGED
    on: float = 0.01


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept: the learning rate's height, its latest value, and its value at the last checkpoint."""

    highest: RatePast = field(default_factory=RatePast)
    latest: float = math.nan
    saved: float = math.nan


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """No tensor moved, over steps in which it should have."""
    limits: Limits = context.limits
    at, change = scope_rows(rows, context)
    since = in_these_rows(rows, at, SINCE)
    facts, highest = learning_rates(rows, at, past.highest)
    rates, latest = last_known(rows, at, "learning_rate", past.latest)
    at_the_saves = np.fmax(rates, np.concatenate(([past.saved], rates))[:-1])
    configured = context.info.setting("learning_rate") or 0.0
    off = at_the_saves <= limits.on * np.fmax(facts["learning_rate"], configured)  # False where no rate was logged
    same = (change < limits.change) & ~(since < 1) & ~off
    return Verdict(
        at=at,
        breach=same,
        level=np.where(same, Severity.CRITICAL.rank, 0).astype(np.int8),
        value=change,
        limit=np.full(at.size, limits.change),
        past=Past(highest, latest, float(rates[-1]) if rates.size else past.saved),
        facts={"since": since},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    limits: Limits = context.limits
    since = episode.facts.get("since")
    before = "" if since is None else ", 1 step before" if since == 1 else f", {since:.0f} steps before"
    return Telling(
        summary=f"The checkpoint of step {episode.first_step} holds the same weights as the one before it{before} "
        f"(limit {limits.change:g} of a tensor).",
        cause="No weight that is saved has changed: nothing was trained, or what is trained is not what is saved.",
        advice=(
            Advice(text=words.COUNT_TRAINABLE),
            Advice(text=words.SAVE_THE_TRAINED),
        ),
    )


RULE = RowRule(
    family=Family.CHECKPOINT,
    reads=("checkpoint/largest_change",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    needs=Need.CHECKPOINT,
    close_after=1,
    reopen_within=2,
    worst=np.argmin,
    explained_by=(
        "nothing-trainable", "lr-zero", "dead-gradient", "zero-variance-groups", "policy-not-moving",
        "update-ratio-out-of-band", "reward-unscorable",
    ),
)  # fmt: skip
