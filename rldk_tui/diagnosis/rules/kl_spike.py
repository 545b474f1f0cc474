"""The KL to the reference shoots up for single steps.

What it means
    For a log or a few, the KL lies far outside what it did before. Single ones are a remark, however often they come: each
    is made by a few tokens, and the KL goes back by itself. When most of the last logs are that far out it is a warning:
    the policy itself has moved, suddenly. `kl-too-high` tells where it is too far.

Why it happens
    The estimator k3 that GRPO uses grows exponentially in tokens that the policy has become much less sure of than the
    reference, so a handful of tokens can make the mean of a batch. Large steps, replies of another kind, and a sampler that
    differs from the trainer do that.

What to do
    Read the completions of that step. If spikes come back, bound the ratio from both sides (`delta=4`), lower
    `max_grad_norm` to 0.2, and leave `use_bias_correction_kl` at its default of trl 1.10.

Where the limit comes from
    Catalogue: 8 robust deviations of the 64 logs before on the scale log(1 + KL), and above 0.1 nat/token; it warns from
    two of five logs and speaks of too high a KL from five of eight. Here the latter is the warning: healthy runs of small
    models show two or three spikes within five logs, with the KL between them as it was and the reward unmoved. A public
    GRPO run reached 0.93 at a median of 0.017 and recovered; ms-swift issue 6550 and open-r1 issue 257 show runs that did
    not. `delta` is INTELLECT-2's clipping from both sides (arXiv 2505.07291).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis import blame, cadence, kl
from rldk_tui.diagnosis.beside import last_known
from rldk_tui.diagnosis.levels import graded
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.diagnosis.spikes import SpikeLimits, SpikePast, counts, spikes
from rldk_tui.diagnosis.warm_up import warmed_up
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.robust import signed_log1p
from rldk_tui.statistics.windows import Floats


@dataclass(frozen=True, slots=True)
class Limits(SpikeLimits):
    """See the manual; `token` is what a spike must exceed, in nat/token, and `length` stands for replies of unknown length."""

    k: float = 8.0
    floor: float = 0.01
    m: int = 5
    n: int = 8
    token: float = 0.1
    length: float = 40.0


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept."""

    spikes: SpikePast = field(default_factory=SpikePast)
    length: float = math.nan
    rate: blame.RatePast = field(default_factory=blame.RatePast)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The KL against the logs before."""
    limits: Limits = context.limits
    info = context.info
    at, values = kl.kl_rows(rows, context)
    least, length = _least(rows, at, info, past.length, limits)
    ready = warmed_up(rows.steps[at], counts(past.spikes, at.size), limits.at_least, info)
    found, kept = spikes(signed_log1p(values), ready & (values > least), past.spikes, limits, info)
    single = found.far if not cadence.averaged(info) else np.zeros(at.size, np.bool_)
    facts, rate = blame.learning_rates(rows, at, past.rate)
    return Verdict(
        at=at,
        breach=found.far,
        level=graded([found.several, single], [Severity.WARNING.rank, Severity.INFO.rank]),
        value=np.where(found.far, values, np.nan),
        limit=least,
        past=Past(kept, length, rate),
        facts={**facts, "usual": np.expm1(np.clip(found.usual, 0.0, 50.0))},
    )


_SINGLE = "A few tokens that the policy and the reference see very differently, or one bad batch."
_MOVED = "The policy moved far in a few steps: updates too large, or rewards or data that changed."


def _least(rows: Rows, at: NDArray[np.intp], info: RunInfo, before: float, limits: Limits) -> tuple[Floats, float]:
    """What a spike must exceed in the unit of the log, and the last reply length."""
    if info.algorithm is not Algorithm.PPO:
        return np.full(at.size, limits.token), before
    lengths, length = last_known(rows, at, "completions/mean_length", before)
    return limits.token * np.where(lengths >= 1.0, lengths, limits.length), length


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    usual = episode.facts.get("usual")
    beside = f" where {usual:.3g} was usual" if usual is not None else ""
    how = "as in most logs since" if episode.severity is not Severity.INFO else "for single logs"
    advice = [Advice(text=f"Read the completions of step {episode.peak_step}.")]
    if episode.severity is not Severity.INFO:
        if info.algorithm is Algorithm.GRPO:
            today = info.setting("delta")
            advice.append(blame.set_to(info, "delta", "Bound the ratio from above, too", "4.0", current=today))
        advice.append(blame.lower_learning_rate(episode, info, guessed=True))
    return Telling(
        summary=f"KL shot up to {episode.peak:.3g} {kl.unit(info)} at step {episode.peak_step}{beside}, {how}.",
        cause=blame.cause(episode, info)
        or "A few tokens that the policy and the reference see very differently, or one bad batch.",
        advice=tuple(advice),
    )


RULE = RowRule(
    family=Family.KL,
    reads=("kl",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=kl.against_reference,
    window=lambda limits: limits.n,
    ceiling=Severity.WARNING,
    adaptive=True,
    explained_by=("lr-jump", "entropy-collapse"),
)
