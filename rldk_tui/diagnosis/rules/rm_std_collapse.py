"""The reward model gives every reply the same score.

What it means
    The highest and the lowest score of a batch hardly differ, long after training began, and what difference there is does
    not rank the pairs. A policy trained on such scores gets no signal, or, where rewards are normalised, amplified noise.

Why it happens
    The score is read at a token that is the same in all replies, mostly because the padding token is wrong; the score head
    or the backbone is frozen; the learning rate is far too low; or the labels are noise, and one score for all is the best
    answer to noise.

What to do
    Check that the model's `pad_token_id` is the tokenizer's, and that the score is read at the last real token. Count the
    trainable parameters. Raise `learning_rate` (TRL's default is 1e-4), and give the score head a normal initialisation.

Where the limit comes from
    Catalogue: a range below 0.1 after 50 logs, here as a median of 20 logs: the logistic loss gains only 0.025 nats from a
    margin of 0.05. Scores squeezed into a narrow range on purpose, by a sigmoid, still rank the pairs: with an accuracy
    above 0.6 nothing is said. Secrets of RLHF II (arXiv 2401.06080) shows how noisy preferences flatten the scores.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.beside import SmoothPast, smoothed
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.pairs import score_range
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.diagnosis.warm_up import warmed_up
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, rolling_median

_USUAL = 1e-5


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        span: The least range of a batch's scores.
        ranked: An accuracy above which scores of any range are of use.
        logs: Logs in the medians, `after` how many logs they are judged.
    """

    span: float = 0.1
    ranked: float = 0.6
    logs: int = 20
    after: int = 50


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept; `seen` counts the logs."""

    seen: int = 0
    spans: Floats = field(default_factory=lambda: NOTHING_YET)
    accuracy: SmoothPast = field(default_factory=SmoothPast)


def applies(info: RunInfo) -> str | None:
    """Reward models."""
    return None if info.algorithm is Algorithm.REWARD else "this trainer does not train a reward model"


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The median range, where the accuracy does not say that it suffices."""
    limits: Limits = context.limits
    info = context.info
    size = cadence.window(limits.logs, info)
    at, spans = score_range(rows)
    span, kept = rolling_median(spans, past.spans, size, size)
    accuracy, kept_accuracy = smoothed(rows, at, "accuracy", size, past.accuracy)
    ready = warmed_up(rows.steps[at], past.seen + 1 + np.arange(at.size), cadence.window(limits.after, info), info)
    flat = ready & (span < limits.span) & ~(accuracy > limits.ranked)
    return Verdict(
        at=at,
        breach=spans < limits.span,
        level=np.where(flat, Severity.HIGH.rank, 0).astype(np.int8),
        value=span,
        limit=np.full(at.size, limits.span),
        past=Past(past.seen + at.size, kept, kept_accuracy),
        facts={"accuracy": accuracy},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    rate, accuracy = info.setting("learning_rate"), episode.facts.get("accuracy")
    shown = "" if accuracy is None else f" and the accuracy is {accuracy:.2g}"
    advice = [Advice(text="Check that the model's pad_token_id is the tokenizer's: the score is read at the last real token.")]
    if rate is not None and rate < _USUAL:
        advice.append(set_to(info, "learning_rate", "Take larger steps", f"{_USUAL:g}", current=rate))
    advice.append(Advice(text="Count the trainable parameters; label fifty pairs anew and compare."))
    return Telling(
        summary=f"All scores of a batch lay within {episode.peak:.2g} of each other by step {episode.peak_step} "
        f"(limit {episode.limit:g}){shown}.",
        cause="The score does not depend on the reply: it is read at the wrong token, the head is frozen, or labels are noise.",
        advice=tuple(advice),
    )


RULE = RowRule(
    family=Family.REWARD_MODEL,
    reads=("max_reward",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.logs,
    worst=np.argmin,
    ceiling=Severity.HIGH,
    explained_by=("dead-gradient", "lr-zero", "nothing-trainable", "rm-at-chance"),
)
