"""Parts of the weights have died.

What it means
    Rows of weight matrices that once did something are zero now: neurons, heads or words that answer nothing whatever comes in.
    Zero rows get hardly any gradient, so they do not come back, and the model has lost that part of what it knew.

Why it happens
    One step too large, after which weight decay or clipped gradients never made up for it; weight decay on rows that get
    no gradient; values below what half precision can hold, which became zero; or tensors that were damaged while saving.

What to do
    Go back to the last checkpoint before they died, lower `learning_rate` and `weight_decay`, and keep the weights in
    float32 while training.

Where the limit comes from
    Catalogue: a row below a millionth of the median row of its matrix is dead; more than 0.1 % of the rows that were alive in
    the beginning is a warning, more than 1 % high. TheDeepChecker (arXiv 2204.00694) asks of units what is asked here of rows.
    Rows that are zero by design (a padded vocabulary) were never alive and do not count.
"""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.charts.format import percent
from rldk_tui.checkpoints import words
from rldk_tui.checkpoints.limits import DEAD_HIGH, DEAD_WARNING
from rldk_tui.diagnosis.blame import lower_learning_rate, set_to
from rldk_tui.diagnosis.levels import scope_rows
from rldk_tui.diagnosis.measurements import judged_alone, named
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows


@dataclass(frozen=True, slots=True)
class Limits:
    """Shares of the rows; see the manual."""

    warning: float = DEAD_WARNING
    high: float = DEAD_HIGH


LIMITS = Limits()


def watch(rows: Rows, _past: None, context: Context) -> Verdict[None]:
    """The share of rows that died."""
    limits: Limits = context.limits
    return judged_alone(*scope_rows(rows, context), ((limits.warning, Severity.WARNING), (limits.high, Severity.HIGH)))


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    decay = info.setting("weight_decay")
    return Telling(
        summary=f"{words.rows_died(percent(episode.peak))} by the checkpoint of step "
        f"{episode.peak_step} (limit {percent(episode.limit)}){named(episode, context)}.",
        cause="Rows that did something in the beginning are zero now, and get too little gradient to come back.",
        advice=(
            Advice(text=f"Go back to a checkpoint before step {episode.first_step}."),
            lower_learning_rate(episode, info),
            *([set_to(info, "weight_decay", "Pull nothing to zero", "0.0", current=decay)] if decay else []),
        ),
    )


RULE = RowRule(
    family=Family.CHECKPOINT,
    reads=("checkpoint/newly_dead_rows",),
    watch=watch,
    limits=LIMITS,
    fresh=None,
    tell=tell,
    needs=Need.CHECKPOINT,
    close_after=1,
    reopen_within=2,
    ceiling=Severity.HIGH,
    explained_by=("lr-out-of-band", "update-ratio-out-of-band", "ckpt-weight-jump"),
)
