"""One kind of example outweighs the other in KTO.

What it means
    KTO adds up the losses of desirable and undesirable examples, each with its weight. Where the one side is many times the
    other, the loss is that side's: the model only learns to imitate, or only to avoid, and avoiding alone ends in replies
    that say little.

Why it happens
    Data of thumbs up and down is rarely even, and both weights are 1.0 unless they are set.

What to do
    Set `desirable_weight` or `undesirable_weight` so that number times weight of the desirable examples is 1 to 4/3 of that
    of the undesirable ones. Training on one kind alone is allowed; do it at a lower `learning_rate`.

Where the limit comes from
    The KTO paper (arXiv 2402.01306) and TRL's documentation ask for 1 to 4/3. Catalogue: outside of 0.5 to 2.5 it is a warning;
    between the two it is not worth a word. One kind alone is a remark, since TRL allows it on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import scope_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, Need, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Rows, RunInfo


@dataclass(frozen=True, slots=True)
class Limits:
    """Weight of the desirable examples over that of the undesirable ones; see the manual."""

    least: float = 0.5
    most: float = 2.5


LIMITS = Limits()


def applies(info: RunInfo) -> str | None:
    """KTO alone has the two kinds."""
    return None if info.algorithm is Algorithm.KTO else "only KTO weighs desirable against undesirable examples"


def _weights(info: RunInfo) -> tuple[float, float]:
    """Of the desirable and the undesirable examples; 1.0 is TRL's default."""
    good, bad = (info.setting(name) for name in ("desirable_weight", "undesirable_weight"))
    return 1.0 if good is None else good, 1.0 if bad is None else bad


def watch(rows: Rows, _past: None, context: Context) -> Verdict[None]:
    """The weighted odds of the desirable examples."""
    limits: Limits = context.limits
    good, bad = _weights(context.info)
    at, share = scope_rows(rows, context)
    share = np.clip(share, 0.0, 1.0)
    desirable, undesirable = share * good, (1.0 - share) * bad
    alone = (share == 0.0) | (share == 1.0)
    uneven = (desirable < limits.least * undesirable) | (desirable > limits.most * undesirable)
    level = np.where(alone, Severity.INFO.rank, np.where(uneven, Severity.WARNING.rank, 0)).astype(np.int8)
    return Verdict(at=at, breach=level > 0, level=level, value=share, limit=np.full(at.size, np.nan), past=None)


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    good, bad = _weights(info)
    share = episode.peak
    if share in (0.0, 1.0):
        return Telling(
            summary=f"All training examples are {'desirable' if share else 'undesirable'}.",
            cause="KTO can learn from one kind alone, and then has nothing to weigh it against.",
            advice=(Advice(text="Train at a lower learning_rate, and read samples often."),),
        )
    if share * good > (1.0 - share) * bad:
        name, today, other = "undesirable_weight", bad, share * good / (1.0 - share)
    else:
        name, today, other = "desirable_weight", good, (1.0 - share) * bad / share
    return Telling(
        summary=f"{percent(share)} of the examples are desirable; with their weights of {good:g} and {bad:g} the two kinds "
        f"count {share * good:.2g} to {(1.0 - share) * bad:.2g}.",
        cause="The kind that outweighs the other decides the loss nearly alone.",
        advice=(set_to(info, name, "Weigh the rarer kind up", f"{other:.2g}", current=today),),
    )


RULE = RowRule(
    family=Family.PREFERENCE,
    reads=("hook/data_desirable",),
    watch=watch,
    limits=LIMITS,
    fresh=None,
    tell=tell,
    needs=Need.HOOK,
    applies=applies,
    ceiling=Severity.WARNING,
)
