"""The reward model ranks pairs no better than a coin.

What it means
    After enough pairs the reward model still puts the chosen reply first in about half of them. Whatever is trained on its
    reward is then trained on noise. A falling training loss is no comfort: a model that remembers coin flips lowers it too.
    It is critical where the accuracy lies surely below one half: the model then ranks against its own labels.

Why it happens
    Labels that are noise, or columns that were swapped for part of the data; a chat template that hides the reply, or
    truncation that cuts away where two replies differ; padding that makes the model score the wrong token; a backbone that
    is frozen, or a learning rate far too low.

What to do
    Print ten pairs as the model gets them, after the chat template and truncation at `max_length`, with both scores. Check
    that the tokenizer's padding token is the model's. If the pairs are right, measure how often two annotators agree on
    fifty of them, and leave out what is a coin flip. With clean labels raise `learning_rate` (TRL's default is 1e-4).

Where the limit comes from
    Catalogue: an accuracy between 0.45 and 0.55 after at least 200 pairs, critical below 0.45. Its band of 0.01 around ln 2
    misses noise that is being remembered, so accuracy decides alone: pooled over at least 400 pairs after the warm-up (high
    from 1000), the upper end of Wilson's 95 % interval lies below 0.55, and the mean margin is not three standard errors
    above 0. During the first pass this is an honest test on unseen pairs. Even hard data leave 0.6 to learn, and reward
    models usually reach 0.6 to 0.8 (Secrets of RLHF II, arXiv 2401.06080, with 10 to 40 % of the labels wrong). Two
    evaluations in a row, after 1000 pairs, with an accuracy whose interval reaches 0.5 and a loss not below ln 2 are a
    warning of their own.
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

_LOW = 1e-6


@dataclass(frozen=True, slots=True)
class Limits(ChanceLimits):
    """See the manual for the source, `ChanceLimits` for what each is."""


LIMITS = Limits()


def applies(info: RunInfo) -> str | None:
    """Reward models."""
    return None if info.algorithm is Algorithm.REWARD else "this trainer does not train a reward model"


def watch(rows: Rows, past: ChancePast, context: Context) -> Verdict[ChancePast]:
    """Accuracy and margin against what a coin gives."""
    return chance.watch_chance(rows, past, context, accuracy="accuracy", margin="margin", downward=True)


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    rate = info.setting("learning_rate")
    advice = [Advice(text="Print ten pairs after the chat template and truncation, with both scores.")]
    if episode.severity is Severity.CRITICAL:
        advice.append(Advice(text="Look for swapped columns and for a margin or loss of the wrong sign."))
    elif "still" not in episode.facts:
        advice.append(Advice(text="Label fifty pairs anew and see how often the labels agree; leave out what is a coin flip."))
    if rate is not None and rate < _LOW:
        advice.append(set_to(info, "learning_rate", "Take larger steps", "1e-05", current=rate))
    return Telling(summary=chance.summary(episode, "the reward model"), cause=_cause(episode), advice=tuple(advice))


def _cause(episode: Episode) -> str:
    if "still" in episode.facts:
        return "The two replies of a pair score the same: they are equal after truncation, or the backbone or head is frozen."
    if episode.severity is Severity.CRITICAL:
        return "The model ranks against its labels, which noise alone cannot do."
    return (
        "The labels of the pairs seen so far carry no preference the model could find, or it does not get to see the replies."
    )


RULE = RowRule(
    family=Family.REWARD_MODEL,
    reads=("accuracy",),
    watch=watch,
    limits=LIMITS,
    fresh=ChancePast(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.logs,
    worst=np.argmin,
    explained_by=("dead-gradient", "lr-zero", "nothing-trainable"),
)
