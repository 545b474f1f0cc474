"""The policy prefers the rejected replies.

What it means
    Training moves the policy towards the replies it is to avoid: in most pairs the rejected one has gained on the chosen one,
    and the mean margin is surely negative. Or training goes as its labels say, while the evaluation's pairs, judged the other
    way round, show that one of the two sets has its columns swapped (high). The longer it trains, the worse it answers. Of a
    reward model only the latter is told here; one that ranks its own training pairs the wrong way is rm-at-chance's.

Why it happens
    Columns of chosen and rejected replies swapped in one of the sets (or KTO's labels inverted), a ranking read in the wrong
    order (1 is best, or 1 is worst), a negative `beta` or loss weight, or a custom loss of the wrong sign.

What to do
    Print ten pairs of the training set and ten of the evaluation set, and judge them yourself. Swap the columns of the set
    that disagrees with you, and start again from the model before this run: no step of it was in the right direction.

Where the limit comes from
    Catalogue: accuracy below 0.4 with a negative margin over 50 logs, the first 20 left out; both follow from the metrics'
    definition, as TRL logs them: gradient descent on these very pairs raises them above 0.5, even for random labels. So that
    few pairs do not decide, the accuracy's 95 % interval must lie below 0.5 and the mean margin three standard errors below
    0. Between the two sets: training surely above 0.6 and an evaluation surely below 0.4.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.levels import finite_rows, graded
from rldk_tui.diagnosis.pairs import EvaluationPast, PooledPast, evaluations, neutral_loss, pooled
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import Floats

ACCURACY, MARGIN, RANKED = "rewards/accuracies", "rewards/margins", "accuracy"
_MARGINS = {ACCURACY: MARGIN, RANKED: "margin"}


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        flipped: Accuracy below which the direction is wrong.
        agreed: Accuracy above which training follows its labels.
        errors: Standard errors by which the mean margin must lie below 0.
        logs: Logs that are pooled, and `skipped` those before them.
    """

    flipped: float = 0.4
    agreed: float = 0.6
    errors: float = 3.0
    logs: int = 50
    skipped: int = 20


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept; `seen` counts the logs."""

    seen: int = 0
    pooled: PooledPast = field(default_factory=PooledPast)
    evaluations: EvaluationPast = field(default_factory=EvaluationPast)


def applies(info: RunInfo) -> str | None:
    """Trainers on labelled replies."""
    labelled = info.algorithm in (Algorithm.DPO, Algorithm.KTO, Algorithm.REWARD)
    return None if labelled else "this trainer does not learn from labelled replies"


def _directions(rows: Rows, context: Context) -> tuple[NDArray[np.intp], Floats, Floats]:
    """Rows, the share of pairs in the right direction in each, and the margins. KTO logs no accuracy: its logs count."""
    if context.scope == MARGIN:
        at, margins = finite_rows(rows, MARGIN)
        return at, (margins > 0).astype(np.float64), margins
    at, shares = finite_rows(rows, context.scope)
    column = rows.column(_MARGINS[context.scope])
    return at, shares, np.where(column.finite[at], np.clip(column.values[at], -1e100, 1e100), 0.0)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The accuracy of many pairs and their mean margin; and an evaluation that says the opposite."""
    limits: Limits = context.limits
    info = context.info
    everywhere, shares, margins = _directions(rows, context)
    late = past.seen + 1 + np.arange(everywhere.size) > cadence.window(limits.skipped, info)
    at = everywhere[late]
    logs = cadence.window(limits.logs, info)
    found, kept = pooled(shares[late], margins[late], past.pooled, info, pairs=1, logs=logs)
    judged = RANKED if context.scope == RANKED else ACCURACY
    held_out, kept_evaluations = evaluations(rows, at, judged, neutral_loss(info), 1.0, past.evaluations)
    wrong = (context.scope != RANKED) & (found.share < limits.flipped) & (found.high < 0.5) & (found.pull < -limits.errors)
    opposed = (found.low > limits.agreed) & (held_out.high < limits.flipped)
    return Verdict(
        at=at,
        breach=shares[late] < limits.flipped,
        level=graded([wrong, opposed], [Severity.CRITICAL.rank, Severity.HIGH.rank]),
        value=found.share,
        limit=np.full(at.size, limits.flipped),
        past=Past(past.seen + everywhere.size, kept, kept_evaluations),
        facts={"held_out": np.where(opposed, held_out.share, np.nan)},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    opposite = episode.facts.get("held_out")
    judge = Advice(text="Print ten pairs of the training set and ten of the evaluation set, and judge them yourself.")
    again = Advice(text="Mend the set that disagrees with you, and start again from the model before this run.")
    if opposite is not None:
        return Telling(
            summary=f"By step {episode.detected_step} the model followed the training's labels, but only {percent(opposite)} "
            f"of the evaluation's: the two sets are labelled in opposite directions.",
            cause="Chosen and rejected are swapped in one of the two sets.",
            advice=(judge, again),
        )
    what = "logs had a positive margin" if episode.scope == MARGIN else "pairs had the chosen reply ahead"
    logs = cadence.window(context.limits.logs, context.info)
    return Telling(
        summary=f"Only {percent(episode.peak)} of the {what} (last {logs} logs, up to step {episode.detected_step}), and the "
        "mean margin is negative.",
        cause="The loss pushes towards the rejected replies: swapped columns, inverted labels, or a loss of the wrong sign.",
        advice=(judge, again),
    )


RULE = RowRule(
    family=Family.PREFERENCE,
    reads=(ACCURACY, MARGIN, RANKED),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.logs,
    worst=np.argmin,
)
