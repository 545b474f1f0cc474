"""The reward model knows its training pairs by heart.

What it means
    The reward model ranks practically every training pair rightly, and pairs held out far worse, or with a loss that rises.
    A policy trained on its reward will be led by what was memorised. It is high where the accuracy on held-out pairs falls
    behind, a warning where only their loss rises: the order of the scores is still right then, their size no longer is.

Why it happens
    More than one pass over the pairs, a learning rate too high for their number, all weights trained on a small set, or
    noisy labels that only memory can satisfy.

What to do
    Take the checkpoint with the lowest evaluation loss. Train one epoch (`num_train_epochs=1`), lower `learning_rate`
    (TRL's default is 1e-4 for adapters), train an adapter instead of all weights, or add pairs. Where nothing is evaluated,
    hold out some pairs (`eval_strategy="steps"`) first: a toy set may allow a perfect score.

Where the limit comes from
    Catalogue: a training accuracy of 0.98 together with a gap of 0.1 (SageMaker's overfit rule), or an evaluation loss 10 %
    above its best twice in a row. The gap must exceed 0.1 beyond the 95 % interval of the evaluation's accuracy, and a rise
    of the loss must be at least 0.02 nats. InstructGPT (arXiv 2203.02155) trains its reward model for a single epoch because
    it overfits; real reward models reach accuracies of 0.6 to 0.8. Without any evaluation, five passes over the pairs and a
    loss of a tenth of ln 2 are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.diagnosis import overfit
from rldk_tui.diagnosis.overfit import OverfitLimits, OverfitPast
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Algorithm, Severity
from rldk_tui.run import Rows, RunInfo


@dataclass(frozen=True, slots=True)
class Limits(OverfitLimits):
    """See the manual for the source, `OverfitLimits` for what each is; a large margin is rm-margin-explosion's."""

    perfect: float = 0.98
    margin: float = 1e99


LIMITS = Limits()


def applies(info: RunInfo) -> str | None:
    """Reward models."""
    return None if info.algorithm is Algorithm.REWARD else "this trainer does not train a reward model"


def watch(rows: Rows, past: OverfitPast, context: Context) -> Verdict[OverfitPast]:
    """Perfect accuracy in training, and what tells that it is memory."""
    perfect: float = context.limits.perfect
    return overfit.watch_overfit(
        rows, past, context, accuracy="accuracy", perfect=perfect, margin="margin", behind=Severity.HIGH
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    return Telling(
        summary=overfit.summary(episode, "the reward model"),
        cause=overfit.cause(episode, context.info),
        advice=overfit.train_less(episode, context.info),
    )


RULE = RowRule(
    family=Family.REWARD_MODEL,
    reads=("accuracy",),
    watch=watch,
    limits=LIMITS,
    fresh=OverfitPast(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.logs,
    ceiling=Severity.HIGH,
)
