"""A metric repeats one value, digit for digit.

What it means
    A number that every batch should move was logged bit for bit the same in thirty logs. Most likely nobody computes it any
    more and an old value is written again: what the chart shows, and what every rule reads from it, is not this training.

Why it happens
    A callback or a patch that carries the last value forward, a value computed once and cached, a batch that is the same at
    every step. If the gradient is zero or all replies are one reply, the training itself has come to rest, and the findings
    that say so are the cause.

What to do
    Find where the metric is computed and logged. If the training is at rest, mend that instead. Until then trust the other
    metrics only.

Where the limit comes from
    Catalogue: thirty identical logs in a row. Only metrics that are real numbers of every batch are judged (losses, norms,
    KL, entropy, log-probabilities), so constant rates, coefficients, shares and lengths at their limit say nothing here. Zero
    and values of at most four digits or decimals are left out: transformers rounded the logged loss to four decimals for
    years, and 0.0001 then repeats in healthy runs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics import title
from rldk_tui.run import Rows
from rldk_tui.statistics.windows import Bools, Floats


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        logs: Identical logs in a row.
        digits: Decimals or significant digits up to which a value may have been rounded.
    """

    logs: int = 30
    digits: int = 4


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """The last value, and how many logs in a row had it."""

    latest: float = math.nan
    times: int = 0


def scopes(reads: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """Every metric that each batch moves."""
    return tuple(name for name in names if name in reads)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """How often each value was repeated."""
    limits: Limits = context.limits
    at, values = finite_rows(rows, context.scope)
    if not at.size:
        repeated = np.empty(0, np.intp)
        after = past
    else:
        same = values == np.concatenate(([past.latest], values[:-1]))
        place = np.arange(1, at.size + 1)
        changed = np.maximum.accumulate(np.where(same, -past.times, place - 1))
        repeated = place - changed
        after = Past(float(values[-1]), int(repeated[-1]))
    again = (repeated > 1) & (values != 0)
    if again.any():
        again[again] = ~_rounded(values[again], limits.digits)
    frozen = again & (repeated >= cadence.window(limits.logs, context.info))
    return Verdict(
        at=at,
        breach=again,
        level=frozen * np.int8(Severity.WARNING.rank),
        value=values,
        limit=np.full(at.size, np.nan),
        past=after,
    )


def _rounded(values: Floats, digits: int) -> Bools:
    """Whether a value has so few decimals or significant digits that rounding explains why it repeats."""
    size = np.abs(values)
    size = np.where((size > _SMALLEST) & (size < 1.0 / _SMALLEST), size, 1.0)
    unit = 10.0 ** np.minimum(-digits, np.floor(np.log10(size)) + 1 - digits)
    coarse = 10.0 ** np.maximum(-digits, np.floor(np.log10(size)) + 1 - digits)
    near: Bools = np.zeros(values.size, np.bool_)
    for step in (unit, coarse):
        near |= np.abs(size - np.round(size / step) * step) <= _SINGLE * size
    return near


_SMALLEST = 1e-30
_SINGLE = 1e-6
"""Relative precision of a number that was kept as 32 bits, as TensorBoard does."""


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    logs = cadence.window(context.limits.logs, context.info)
    return Telling(
        summary=f"{title(episode.scope)} ({episode.scope}) was logged as exactly {episode.peak:.6g} in {logs} or more "
        f"logs in a row, steps {episode.first_step}–{episode.last_step}.",
        cause="Nobody computes this number any more and an old one is written again, or every step sees the same batch.",
        advice=(Advice(text=f"Find where {episode.scope} is computed and logged; until then do not trust it."),),
    )


RULE = RowRule(
    family=Family.METRICS,
    reads=(
        "loss",
        "grad_norm",
        "kl",
        "entropy",
        "entropy/sequence",
        "policy_loss",
        "value_loss",
        "approx_kl",
        "rlhf_reward",
        "rewards/margins",
        "rewards/chosen",
        "rewards/rejected",
        "logps/chosen",
        "logps/rejected",
        "margin",
    ),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    scopes=scopes,
    window=lambda limits: limits.logs,
    ceiling=Severity.WARNING,
    explained_by=(
        "dead-gradient",
        "dead-policy",
        "entropy-collapse",
        "policy-not-moving",
        "lr-zero",
        "nothing-trainable",
        "dpo-not-learning",
        "zero-variance-groups",
    ),
)
