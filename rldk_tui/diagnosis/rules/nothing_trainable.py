"""No weights are trained, or only weights that the optimizer does not hold.

What it means
    The model computes, the loss moves with the batches, and no weight that matters ever changes. Logs look normal: with
    only the last normalisation layer left to train, even a gradient norm is there. All of the run's cost is for nothing.

Why it happens
    An adapter was loaded without `is_trainable=True`, or `requires_grad_(False)` was called on too much; or the optimizer was
    built first and the model was wrapped or replaced after that, so that it holds weights nobody uses.

What to do
    Load adapters with `PeftModel.from_pretrained(..., is_trainable=True)`, call `model.enable_input_require_grads()` with
    gradient checkpointing, and let the trainer build the optimizer. Then look at
    `model.print_trainable_parameters()` before training.

Where the limit comes from
    No trainable parameter, or none of them in the optimizer, is critical. Less than 1e-5 of all parameters is a warning: the
    smallest adapters train 1e-4, while a public run that trained almost nothing, and one made for this catalogue with a
    single layer left, stood below. Part of the trainable parameters outside of the optimizer is a warning, for somebody may
    want that; more than half of them is high. Catalogue; TRL's documentation for adapters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis.levels import finite_rows, graded
from rldk_tui.diagnosis.measurements import in_these_rows, named
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows

TRAINABLE, TOTAL, HELD = "hook/parameters_trainable", "hook/parameters_total", "hook/parameters_in_optimizer"


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual.

    Attributes:
        share: Trainable parameters of all; fewer train next to nothing.
        held: Of the trainable parameters, the share in the optimizer below which it is high.
        rounding: A share this near to 1 is all of them.
    """

    share: float = 1e-5
    held: float = 0.5
    rounding: float = 1e-6


LIMITS = Limits()


def watch(rows: Rows, _past: None, context: Context) -> Verdict[None]:
    """How many parameters train, of all and in the optimizer."""
    limits: Limits = context.limits
    at, trainable = finite_rows(rows, TRAINABLE)
    total, held = (in_these_rows(rows, at, name) for name in (TOTAL, HELD))
    some = np.where(trainable >= 1, trainable, np.nan)
    share, in_optimizer = some / np.where(total >= 1, total, np.nan), held / some
    nothing = (trainable < 1) | (held < 1)
    level = graded(
        [nothing, in_optimizer < limits.held, (in_optimizer < 1 - limits.rounding) | (share < limits.share)],
        [Severity.CRITICAL.rank, Severity.HIGH.rank, Severity.WARNING.rank],
    )
    return Verdict(
        at=at,
        breach=level > 0,
        level=level,
        value=trainable,
        limit=np.full(at.size, np.nan),
        past=None,
        facts={"total": total, "in_optimizer": held},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    limits: Limits = context.limits
    trainable, total, held = episode.peak, episode.facts.get("total"), episode.facts.get("in_optimizer")
    of_all = "" if total is None else f" of {total:,.0f}"
    load = Advice(text="Load adapters with is_trainable=True, and count: model.print_trainable_parameters().")
    if trainable < 1:
        return Telling(
            summary=f"None of the {'' if total is None else f'{total:,.0f} '}parameters is trainable.",
            cause="No weight asks for a gradient, so no step changes anything.",
            advice=(load,),
        )
    if held is not None and held < trainable * (1 - limits.rounding):
        return Telling(
            summary=f"The optimizer holds {held:,.0f} of {trainable:,.0f} trainable parameters ({percent(held / trainable)}).",
            cause="The optimizer was built for other weights than those that are trained: before an adapter or a wrapper.",
            advice=(Advice(text="Let the trainer build the optimizer, or build it after the model is complete."),),
        )
    return Telling(
        summary=f"Only {trainable:,.0f}{of_all} parameters are trainable{named(episode, context)}.",
        cause="Nearly everything is frozen; what is left can hardly change what the model says.",
        advice=(load, Advice(text="If only these are to be trained, on purpose, mute this rule.")),
    )


RULE = RowRule(
    family=Family.OPTIMIZER,
    reads=(TRAINABLE,),
    watch=watch,
    limits=LIMITS,
    fresh=None,
    tell=tell,
    needs=Need.HOOK,
    worst=np.argmin,
)
