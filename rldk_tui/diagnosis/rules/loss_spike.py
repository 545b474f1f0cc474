"""The supervised loss jumps.

What it means
    Two of the last three logs have a loss far above all that was usual before. Most such spikes pass within a few dozen
    steps, but each of them undoes some of the training, and some never pass. Where the loss stays up, `loss-divergence`
    says so and how bad it is.

Why it happens
    A learning rate too high for this stage or one that jumped, a stretch of odd data, a memory of the optimizer that is out
    of date with gradients that became large, or too short a warm-up.

What to do
    If it does not come back within some twenty logs, go back to a checkpoint before it and leave out the data around it.
    Lower `learning_rate`, lengthen the warm-up, and keep `max_grad_norm` at 1 or below.

Where the limit comes from
    Catalogue: 6 robust deviations of the 64 logs before on a logarithmic scale, in two of three logs; the rise must also be
    a quarter of the usual loss and 0.1, since a loss near 0 moves by factors that mean nothing. PaLM (arXiv 2204.02311) saw
    some 20 spikes and went back 100 steps each time, skipping 200 to 500 batches; TRL's training FAQ says that the loss of
    reinforcement learning is no such measure, so this is for supervised trainers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis import blame
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.diagnosis.spikes import SpikeLimits, SpikePast, counts, spikes
from rldk_tui.diagnosis.supervised import loss_is_progress, loss_rows
from rldk_tui.diagnosis.warm_up import warmed_up
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows
from rldk_tui.statistics.robust import logarithm


@dataclass(frozen=True, slots=True)
class Limits(SpikeLimits):
    """See the manual; a spike lies `share` of the usual loss above it, and `rise` at least."""

    k: float = 6.0
    floor: float = 0.02
    m: int = 2
    n: int = 3
    share: float = 0.25
    rise: float = 0.1


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept."""

    spikes: SpikePast = field(default_factory=SpikePast)
    rate: blame.RatePast = field(default_factory=blame.RatePast)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The loss against the logs before."""
    limits: Limits = context.limits
    at, loss = loss_rows(rows, context)
    ready = warmed_up(rows.steps[at], counts(past.spikes, at.size), limits.at_least, context.info)
    found, kept = spikes(
        logarithm(loss),
        ready & (loss > limits.rise),
        past.spikes,
        limits,
        context.info,
        lambda usual: np.log(np.maximum((1 + limits.share) * np.exp(usual), np.exp(usual) + limits.rise)),
    )
    facts, rate = blame.learning_rates(rows, at, past.rate)
    usual = np.exp(found.usual)
    return Verdict(
        at=at,
        breach=found.far,
        level=np.where(found.several, Severity.WARNING.rank, 0).astype(np.int8),
        value=np.where(found.far, loss, np.nan),
        limit=(1 + limits.share) * usual,
        past=Past(kept, rate),
        facts={**facts, "usual": usual},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    usual = episode.facts.get("usual")
    beside = f", where {usual:.3g} was usual" if usual is not None else ""
    return Telling(
        summary=f"The loss jumped to {episode.peak:.3g} at step {episode.peak_step}{beside}.",
        cause=blame.cause(episode, info)
        or "Odd data from that step on, or a learning rate at the edge of what this run bears.",
        advice=(
            Advice(text=f"If it does not come back, go back to the last checkpoint before step {episode.first_step}."),
            blame.lower_learning_rate(episode, info, guessed=True),
        ),
    )


RULE = RowRule(
    family=Family.OPTIMIZER,
    reads=("loss",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=loss_is_progress,
    window=lambda limits: limits.n,
    ceiling=Severity.WARNING,
    adaptive=True,
    explained_by=("lr-jump",),
)
