"""The training pairs are learned by heart.

What it means
    The policy puts the chosen reply first in practically every training pair, and something tells that it remembers the
    pairs instead of having learned the preference: pairs held out are judged far worse, their loss rises, or the loss on
    the training pairs is used up after many passes over them. From there on margins grow and nothing is gained: what the
    policy says to new prompts drifts away from the reference for no reason. It is high where held-out pairs are judged no
    better than by chance, or where the margin passed 20.

Why it happens
    Too many passes over too few pairs, a learning rate that lets a handful of pairs dictate the weights, a `beta` so low
    that margins cost nothing, or labels with so much noise that only memory can satisfy them.

What to do
    Take the checkpoint with the lowest evaluation loss. Train one epoch (`num_train_epochs=1`), lower `learning_rate`, raise
    `beta`, use more pairs, and smooth the labels (`label_smoothing=0.1`, or `loss_type="robust"` for noisy ones). Where
    nothing is evaluated, hold out some pairs (`eval_strategy="steps"`) first: a toy set may allow a perfect score.

Where the limit comes from
    Catalogue: an accuracy of 0.99 on training pairs together with a gap of 0.1 to the evaluation or an evaluation loss that
    rises twice, high with margins above 20. TRL issue 1236 shows a loss of 0. Ten logs are enough, as the second fact
    decides: the gap must exceed 0.1 beyond the 95 % interval of the evaluation's accuracy. Without any evaluation, five
    passes and a tenth of ln 2 are asked for. KTO logs no accuracy, but its loss is 1 less the mean probability of the right
    label: 0.9 stands for the accuracy there. Preference training usually takes one to three passes (Zephyr, arXiv
    2310.16944, took up to three on purpose).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rldk_tui.diagnosis import blame, overfit
from rldk_tui.diagnosis.levels import nothing
from rldk_tui.diagnosis.overfit import PAIRS_KNOWN, OverfitLimits, OverfitPast
from rldk_tui.diagnosis.pairs import neutral_loss
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Algorithm, Severity
from rldk_tui.run import Rows, RunInfo

ACCURACY, MARGIN, LOSS = "rewards/accuracies", "rewards/margins", "loss"


@dataclass(frozen=True, slots=True)
class Limits(OverfitLimits):
    """See the manual for the source, `OverfitLimits` for what else.

    Attributes:
        sure: KTO's mean probability of the right label that counts as known by heart: 1 less its loss.
    """

    perfect: float = 0.99
    sure: float = 0.9


LIMITS = Limits()


def applies(info: RunInfo) -> str | None:
    """Trainers on a fixed set of labelled replies."""
    if info.algorithm is Algorithm.KTO:
        return "its loss is weighted, so it tells no probability" if math.isnan(neutral_loss(info)) else None
    return None if info.algorithm in (None, Algorithm.DPO) else "this trainer does not learn from a fixed set of pairs"


def watch(rows: Rows, past: OverfitPast, context: Context) -> Verdict[OverfitPast]:
    """Perfect accuracy in training, and what tells that it is memory."""
    limits: Limits = context.limits
    kto = context.info.algorithm is Algorithm.KTO
    if context.scope == LOSS and not kto:
        return nothing(past)
    return overfit.watch_overfit(
        rows,
        past,
        context,
        accuracy=None if kto else ACCURACY,
        perfect=limits.sure if kto else limits.perfect,
        margin=MARGIN,
        behind=Severity.WARNING,
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    beta, smoothing = info.setting("beta"), info.setting("label_smoothing")
    advice = [*overfit.train_less(episode, info)]
    advice.append(blame.set_to(info, "beta", "Let margins cost more", f"{2 * (beta or 0.1):.2g}", current=beta))
    if not smoothing:
        advice.append(blame.set_to(info, "label_smoothing", "Smooth the labels", "0.1", current=smoothing))
    known = "was {} sure of the training examples' labels" if episode.scope == LOSS else PAIRS_KNOWN
    return Telling(
        summary=overfit.summary(episode, "the policy", known), cause=overfit.cause(episode, info), advice=tuple(advice)
    )


RULE = RowRule(
    family=Family.PREFERENCE,
    reads=(ACCURACY, LOSS),
    watch=watch,
    limits=LIMITS,
    fresh=OverfitPast(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.logs,
    ceiling=Severity.HIGH,
)
