"""The policy does not move: training goes on and the weights stay as they are.

What it means
    The KL to the reference is zero, log after log. A policy that any update has reached differs from its reference at least
    in the sixth digit, so no update reaches it: the reward can only wander with the sampling, and every step is wasted.

Why it happens
    The learning rate is too small to change a stored number, the trained weights are not the ones that generate (a frozen
    adapter, `requires_grad=False`), or updates of 1e-6 are rounded away because the weights themselves are kept in bfloat16.

What to do
    Count the parameters with `requires_grad` and compare a weight before and after ten steps. Load the weights in float32 and
    let `bf16=True` do the mixed precision, instead of loading them in bfloat16. If the learning rate is tiny, raise it: 1e-6
    is TRL's default for all weights, adapters bear about ten times that.

Where the limit comes from
    Catalogue: |KL| below 1e-7 nat/token in fifteen logs in a row with a learning rate above zero. One update with the usual
    rate gives 1e-6 to 1e-4; a public run logged exactly 0.0 for its 200 steps. PPO logs the sum over a reply, whose rounding
    alone is some 1e-7 a reply, so its limit grows with the reply's length. Where all numbers of a log are rounded to a few
    digits, a zero tells nothing and the rule is silent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis import kl
from rldk_tui.diagnosis.beside import last_known
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.metrics.metric import GROUPED
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Bools, Floats, m_of_n, windows


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        still: |KL| below this is none, nat/token.
        n: Logs in a row.
        rising: A learning rate that grew by more than this factor over the window is still warming up.
        rounded: Decimals of which a log has no more is rounded too far to tell.
        tiny: A learning rate up to this changes no weight: half of the last digit of 0.02 in float32.
    """

    still: float = 1e-7
    n: int = 15
    rising: float = 1.1
    rounded: int = 5
    tiny: float = 1e-9


LIMITS = Limits()
_FOLLOWS = 30
"""Steps between two copies of the policy to the reference, below which no stretch is long enough to tell anything."""
_SHORTEST = 10.0
"""Tokens of a reply where nothing tells how long PPO's are."""
_PRECISE = ("reward", "entropy", "grad_norm", "policy_loss")
"""Metrics that are never round by themselves: they tell whether a log is rounded. Any one suffices."""


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept: the window's flags and rates, the last words of other metrics, and whether a long number was seen."""

    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    rates: Floats = field(default_factory=lambda: NOTHING_YET)
    rate: float = math.nan
    norm: float = math.nan
    length: float = math.nan
    precise: bool = False


def applies(info: RunInfo) -> str | None:
    """Trainers whose KL is that of sampled replies from a reference that stands still."""
    if info.algorithm in GROUPED and info.setting("beta") == 0.0:
        return "beta is 0, so there is no KL that could tell whether the policy moves"
    if info.config.get("sync_ref_model") is True and (info.setting("ref_model_sync_steps") or 0.0) < _FOLLOWS:
        return "the reference follows the policy (sync_ref_model), so a KL of zero means nothing"
    return kl.against_reference(info)


def _precise(rows: Rows, at: NDArray[np.intp], limits: Limits, before: bool) -> Bools:
    """Whether, up to each row, a number with more digits than a rounded log has was seen."""
    if before:
        return np.ones(at.size, np.bool_)
    seen = np.zeros(len(rows), np.bool_)
    for name in _PRECISE:
        where, values = finite_rows(rows, name)
        small = np.abs(values) < 1e6
        scaled = np.where(small, values, 0.0) * 10.0**limits.rounded
        seen[where] |= np.abs(scaled - np.round(scaled)) > 1e-3
    known: Bools = np.logical_or.accumulate(seen)[at]
    return known


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """No KL in any of the last logs, although the learning rate was above zero and not warming up."""
    limits: Limits = context.limits
    at, values = kl.kl_rows(rows, context)
    limit, length = _limit(rows, at, past, context)
    rates, rate = last_known(rows, at, "learning_rate", past.rate)
    norms, norm = last_known(rows, at, "grad_norm", past.norm)
    precise = _precise(rows, at, limits, past.precise)
    quiet = (np.abs(values) < limit) & ~(rates == 0.0)
    still, flags = m_of_n(quiet, past.flags, limits.n, limits.n)
    span, kept = windows(rates, past.rates, limits.n)
    warming = span[:, -1] > limits.rising * span[:, 0]  # False where the rate is not known
    return Verdict(
        at=at,
        breach=quiet,
        level=np.where(still & precise & ~warming, Severity.HIGH.rank, 0).astype(np.int8),
        value=np.abs(values),
        limit=limit,
        past=Past(flags, kept, rate, norm, length, bool(precise[-1]) if at.size else past.precise),
        facts={"learning_rate": rates, "grad_norm": norms},
    )


def _limit(rows: Rows, at: NDArray[np.intp], past: Past, context: Context) -> tuple[Floats, float]:
    """The limit at each row in the unit of the log, and the last reply length."""
    limits: Limits = context.limits
    if context.info.algorithm is not Algorithm.PPO:
        return np.full(at.size, limits.still), past.length
    lengths, length = last_known(rows, at, "completions/mean_length", past.length)
    usual = context.info.setting("response_length") or _SHORTEST
    return limits.still * np.where(lengths >= 1.0, lengths, usual), length


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    limits: Limits = context.limits
    rate = episode.facts.get("learning_rate")
    if rate is not None and rate <= limits.tiny:
        cause = f"The learning rate of {rate:.2g} is too small to change a stored weight."
    elif episode.facts.get("grad_norm") == 0.0:
        cause = "The gradient is zero, so there is nothing to move the policy."
    elif "grad_norm" in episode.facts:
        cause = (
            f"There is a gradient (norm {episode.facts['grad_norm']:.2g}), so its updates are rounded away or go to weights "
            "that do not generate."
        )
    else:
        cause = "No update reaches the weights that generate: they are frozen, or the updates are rounded away."
    return Telling(
        summary=f"The KL to the reference was zero (below {episode.limit:.1g} {kl.unit(info)}) in steps "
        f"{episode.first_step}–{episode.last_step}: the policy has not moved.",
        cause=cause,
        advice=_advice(rate, info, limits),
    )


def _advice(rate: float | None, info: RunInfo, limits: Limits) -> tuple[Advice, ...]:
    """The rate where it is tiny, the weights where it is not."""
    if rate is not None and rate <= limits.tiny:
        usual = "3e-06" if info.algorithm is Algorithm.PPO else "1e-06"
        today = float(f"{rate:.6g}")
        return (set_to(info, "learning_rate", "Raise the learning rate to the trainer's default", usual, current=today),)
    return (
        Advice(text="Count the trainable parameters; load an adapter with is_trainable=True."),
        Advice(text="Load the weights in float32 and leave mixed precision to bf16=True, so that small updates are kept."),
    )


RULE = RowRule(
    family=Family.KL,
    reads=("kl",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.n,
    worst=np.argmin,
    ceiling=Severity.HIGH,
    explained_by=("nothing-trainable", "zero-variance-groups", "lr-zero", "lr-out-of-band", "dead-gradient"),
)
