"""The policy does not learn the preference.

What it means
    The policy cannot tell chosen from rejected replies better than a coin can, long after it should. Either the margin has
    never left zero, so the loss is pinned at ln 2 = 0.693, or margins grow in both directions: the pairs are then learned one
    by one, and nothing in them carries over to the next. The falling training loss of later passes is memory in that case.

Why it happens
    Labels that are noise (columns shuffled, a judge that guesses, ties labelled at random); chosen and rejected replies that
    are the same after the template or after truncation; nothing trainable (an adapter loaded frozen); a learning rate far
    too low or a `beta` so small that margins cannot be seen.

What to do
    Print ten pairs as the model gets them, after the chat template and truncation at `max_length`: do they differ, and would
    you choose the same reply? Count the trainable parameters. If both are right, raise `learning_rate` (1e-6 is usual for all
    weights, 1e-5 for adapters), and measure how often two annotators agree before training on their labels.

Where the limit comes from
    Catalogue: margins and loss that do not move for 20 logs; TRL issues 4023 (loss 0.6934, gradient 0) and 701. The
    catalogue's band of 0.002 around ln 2 misses noise that is being remembered, so accuracy decides: pooled over at least
    400 pairs after the warm-up (high from 1000), the upper end of Wilson's 95 % interval lies below 0.55, and the mean
    margin is not three standard errors above 0; the finding ends once it is. During the first pass this is an honest test
    on unseen pairs. Real preference data leaves 0.6 and more to learn even with 40 % of the labels wrong (Secrets of RLHF
    II, arXiv 2401.06080). Two evaluations in a row, after 1000 pairs, with an accuracy whose interval reaches 0.5 and a
    loss not below ln 2 are a warning of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rldk_tui.diagnosis import chance
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.chance import ChanceLimits, ChancePast
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Rows, RunInfo

ACCURACY, MARGIN = "rewards/accuracies", "rewards/margins"
_USUAL = 1e-6


@dataclass(frozen=True, slots=True)
class Limits(ChanceLimits):
    """See the manual for the source, `ChanceLimits` for what each is."""


LIMITS = Limits()


def applies(info: RunInfo) -> str | None:
    """DPO; Online DPO makes new pairs from its own replies, which it need not tell apart by its own odds."""
    return None if info.algorithm is Algorithm.DPO else "this trainer does not learn from a fixed set of pairs"


def watch(rows: Rows, past: ChancePast, context: Context) -> Verdict[ChancePast]:
    """Accuracy and margin against what a coin gives."""
    return chance.watch_chance(rows, past, context, accuracy=ACCURACY, margin=MARGIN)


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    still = "still" in episode.facts
    rate = info.setting("learning_rate")
    advice = [Advice(text="Print ten pairs after the chat template and truncation: they must differ as their labels say.")]
    if still:
        advice.append(Advice(text="Count the trainable parameters; load an adapter with is_trainable=True."))
    else:
        advice.append(Advice(text="Label fifty pairs anew and see how often the labels agree; leave out what is a coin flip."))
    if rate is not None and rate < _USUAL:
        advice.append(set_to(info, "learning_rate", "Take larger steps", f"{_USUAL:g}", current=rate))
    return Telling(summary=chance.summary(episode, "the policy"), cause=_cause(still), advice=tuple(advice))


def _cause(still: bool) -> str:
    if still:
        return "Nothing moves: chosen and rejected reply are the same to the model, or no trainable weight is part of the loss."
    return "The labels of the pairs seen so far carry no preference the model could find: noise, or replies that hardly differ."


RULE = RowRule(
    family=Family.PREFERENCE,
    reads=(ACCURACY,),
    watch=watch,
    limits=LIMITS,
    fresh=ChancePast(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.logs,
    worst=np.argmin,
    ceiling=Severity.HIGH,
    explained_by=("dead-gradient", "dpo-labels-flipped", "dpo-overfit", "lr-zero", "nothing-trainable"),
)
