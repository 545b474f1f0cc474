"""A weight matrix is growing along one direction, or losing its directions.

What it means
    Either the largest singular value of a matrix has doubled, so that one direction of its input drowns the others and
    activations blow up; or its stable rank, how many directions carry its weight, has halved, so that much of what it told
    apart it now treats alike. Either comes before unstable logits and before replies that are all the same.

Why it happens
    Too high a learning rate for long, no weight decay, LoRA with too large an `alpha` over `r`, or training on very little
    data, which asks for a few directions alone.

What to do
    Lower `learning_rate`, use a little `weight_decay`, or lower the adapter's alpha. Compare the evaluation of this checkpoint
    with that of an earlier one before going on.

Where the limit comes from
    Catalogue: twice the largest singular value, or half the stable rank, of the same matrix in the beginning: a warning.
    Tuning moves a pretrained matrix by a few percent, so neither comes about by accident. Only matrices of at least 256 rows
    and columns are measured: in small ones both move a lot while all is well. Wortsman et al. (arXiv 2309.14322) tie growing
    norms to instability.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rldk_tui.charts.format import percent
from rldk_tui.checkpoints import words
from rldk_tui.checkpoints.limits import SPECTRAL_GROWTH, STABLE_RANK_KEPT
from rldk_tui.diagnosis.blame import lower_learning_rate, set_to
from rldk_tui.diagnosis.levels import scope_rows
from rldk_tui.diagnosis.measurements import each_measured, named
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Severity
from rldk_tui.run import Rows
from rldk_tui.statistics.windows import Floats

GROWTH, RANK = "checkpoint/spectral_growth", "checkpoint/stable_rank_kept"
_LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class Limits:
    """Over the same matrix in the beginning: its largest singular value, and the stable rank it kept."""

    growth: float = SPECTRAL_GROWTH
    rank: float = STABLE_RANK_KEPT


LIMITS = Limits()


def watch(rows: Rows, _past: None, context: Context) -> Verdict[None]:
    """The one above its limit, or the other below."""
    limits: Limits = context.limits
    at, values = scope_rows(rows, context)
    limit = limits.growth if context.scope == GROWTH else limits.rank
    beyond = values > limit if context.scope == GROWTH else values < limit
    level = np.where(beyond, Severity.WARNING.rank, 0).astype(np.int8)
    return Verdict(at=at, breach=beyond, level=level, value=values, limit=np.full(at.size, limit), past=None)


def _farthest(values: Floats) -> np.intp:
    """The value farthest from 1, in either direction."""
    return np.argmax(np.abs(np.log(np.maximum(values, _LEAST))))


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    decay = info.setting("weight_decay")
    about = named(episode, context)
    if episode.scope == GROWTH:
        what = f"{words.grew(episode.peak)} (limit {episode.limit:g})"
        cause = "One direction of the matrix grows at the cost of all others."
    else:
        what = f"{words.kept_rank(percent(episode.peak))} (limit {percent(episode.limit)})"
        cause = "Fewer and fewer directions carry the weight of the matrix."
    return Telling(
        summary=f"{what} by the checkpoint of step {episode.peak_step}{about}.",
        cause=cause,
        advice=(
            lower_learning_rate(episode, info),
            *([] if decay else [set_to(info, "weight_decay", words.HOLD_DOWN, "0.01", current=decay)]),
        ),
    )


RULE = RowRule(
    family=Family.CHECKPOINT,
    reads=(GROWTH, RANK),
    watch=watch,
    limits=LIMITS,
    fresh=None,
    tell=tell,
    needs=Need.CHECKPOINT,
    scopes=each_measured,
    close_after=1,
    reopen_within=2,
    worst=_farthest,
    ceiling=Severity.WARNING,
    explained_by=("lr-out-of-band", "update-ratio-out-of-band", "ckpt-weight-jump"),
)
