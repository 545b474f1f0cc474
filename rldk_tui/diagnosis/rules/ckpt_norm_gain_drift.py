"""The gains of normalisation layers have drifted far.

What it means
    A gain multiplies a whole channel in every token. Where the gains of a layer have moved by a tenth in tuning, or some have
    changed their sign, the activations after it are no longer those that the next layer was made for; outliers in them
    make half precision and quantisation fail.

Why it happens
    Gains are near 1 and few, so Adam's steps of a fixed size move them as far as the learning rates add up to. A rate for
    small models or adapters on all weights, or weight decay on gains, drives them off.

What to do
    Lower `learning_rate`; leave normalisation layers out of the training or at least out of weight decay. Compare an earlier
    checkpoint in use.

Where the limit comes from
    Catalogue: 10 % in the median of a layer's gains, or 1 % of the gains with another sign, is a warning. In tunings of small
    models at 800 times TRL's default rate, where all is well, it is 1 to 3 %. The norms of queries and keys are trained to
    move and are left out. Wortsman et al. (arXiv 2309.14322) and Dehghani et al. (arXiv 2302.05442) tie such growth to
    diverging logits.
"""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.charts.format import percent
from rldk_tui.checkpoints import words
from rldk_tui.checkpoints.limits import GAIN_DRIFT, GAIN_FLIPS
from rldk_tui.diagnosis.blame import lower_learning_rate
from rldk_tui.diagnosis.levels import scope_rows
from rldk_tui.diagnosis.measurements import each_measured, judged_alone, named
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows

DRIFT, FLIPS = "checkpoint/gain_drift", "checkpoint/gain_sign_flips"


@dataclass(frozen=True, slots=True)
class Limits:
    """The median relative change of a layer's gains, and the share of gains with another sign."""

    drift: float = GAIN_DRIFT
    flips: float = GAIN_FLIPS


LIMITS = Limits()


def watch(rows: Rows, _past: None, context: Context) -> Verdict[None]:
    """Either of the two."""
    limits: Limits = context.limits
    limit = limits.drift if context.scope == DRIFT else limits.flips
    return judged_alone(*scope_rows(rows, context), ((limit, Severity.WARNING),))


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    said = words.gains_moved if episode.scope == DRIFT else words.gains_turned
    return Telling(
        summary=f"{said(percent(episode.peak))} by the checkpoint of step {episode.peak_step} "
        f"(limit {percent(episode.limit)}){named(episode, context)}.",
        cause="Steps of a fixed size move gains as far as the learning rates add up to.",
        advice=(
            lower_learning_rate(episode, info),
            Advice(text=words.LEAVE_NORMS_OUT),
        ),
    )


RULE = RowRule(
    family=Family.CHECKPOINT,
    reads=(DRIFT, FLIPS),
    watch=watch,
    limits=LIMITS,
    fresh=None,
    tell=tell,
    needs=Need.CHECKPOINT,
    scopes=each_measured,
    close_after=1,
    reopen_within=2,
    ceiling=Severity.WARNING,
    explained_by=("lr-out-of-band", "update-ratio-out-of-band"),
)
