"""The policy has moved far from the reference model.

What it means
    The KL divergence between the policy and the reference stays beyond the region in which the reward model was trained
    and in which the language is still the one the model was taught. Drift can be the price of real learning: while the
    reward rises, or holds most of what it has gained, it is a remark, and a warning beyond four times the limit. A drift that
    has bought nothing is a warning, and high beyond twice the limit, as it is when the entropy is spent.

Why it happens
    A learning rate too high for the method, a KL coefficient too small for the length of the run, or a reward that pays
    for text far from the reference (reward hacking). Past this point proxy reward and true quality part ways (Gao et al.,
    arXiv 2210.10760), and raising the coefficient late does not bring the policy back.

What to do
    Read the newest completions first: if they are degenerate, go back to the last checkpoint whose KL was below the limit.
    Then raise `beta` (`kl_coef` in PPO), lower `learning_rate`, or both. If the text is good and the reward real, raise
    your own expectation instead: this is a warning, not a verdict.

Where the limit comes from
    TRL's training FAQ gives 0 to 10 nats a reply for replies of 32–53 tokens; that is PPO's limit here, for replies of up to
    128 tokens, and 0.5 nat/token is the catalogue's limit for GRPO and RLOO, which log a mean over tokens. TRL issue 1098
    and open-r1 issue 257 show rewards that fall once the KL is there; a real run with a learning rate a thousand times too
    high reached 2.3 nat/token, where even a reward that holds is no excuse (2.0). A reward has gained when its median of
    ten logs rose above its first three by twice the noise of the first ten about their trend, and holds it while half of
    the rise is there; the reward of a resumed launch need only not fall, for its gain lies before it. What a wrong
    reference adds from the first log on is subtracted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis import blame, cadence, kl
from rldk_tui.diagnosis.beside import RewardPast, SmoothPast, last_known, reward_direction, smoothed
from rldk_tui.diagnosis.levels import graded
from rldk_tui.diagnosis.reward_gain import UNTOLD, GainPast, gain_held
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n, rolling_median


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for their source.

    Attributes:
        token: Limits in nat/token: of the usual, of what is high if it bought nothing, of what is a warning whatever it bought.
        sequence: The same in nat/sequence, for short replies whose length is not logged.
        entropy: Below this many nats a token nothing is left to explore, and any large KL is high.
    """

    token: tuple[float, float, float] = (0.5, 1.0, 2.0)
    sequence: tuple[float, float, float] = (10.0, 25.0, 40.0)
    entropy: float = 0.05
    median: int = 5
    m: int = 3
    n: int = 5


LIMITS = Limits()
_LONGEST = 128.0
"""Tokens a reply up to which the limit a sequence holds where the length is not logged (the FAQ speaks of 32 to 53)."""


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept: windows, and what the KL was before anything was trained (NaN before the first log)."""

    offset: float = math.nan
    excess: Floats = field(default_factory=lambda: NOTHING_YET)
    flags: tuple[Floats, Floats, Floats] = (NOTHING_YET, NOTHING_YET, NOTHING_YET)
    length: float = math.nan
    reward: RewardPast = field(default_factory=RewardPast)
    gain: GainPast = field(default_factory=GainPast)
    entropy: SmoothPast = field(default_factory=SmoothPast)
    rate: blame.RatePast = field(default_factory=blame.RatePast)


def applies(info: RunInfo) -> str | None:
    """Trainers that log a KL of sampled replies in a unit that has a limit."""
    long = (info.setting("response_length") or 0.0) > _LONGEST
    if info.algorithm is Algorithm.PPO and long:
        return f"PPO logs KL a reply, and for replies of more than {_LONGEST:g} tokens no limit is known"
    return kl.against_reference(info)


def _limits(rows: Rows, at: NDArray[np.intp], info: RunInfo, before: float, limits: Limits) -> tuple[list[Floats], float]:
    """The three limits at each row in the unit of the log, and the last reply length."""
    if info.algorithm is not Algorithm.PPO:
        return [np.full(at.size, limit) for limit in limits.token], before
    lengths, length = last_known(rows, at, "completions/mean_length", before)
    known = lengths >= 1.0
    both = zip(limits.token, limits.sequence, strict=True)
    return [np.where(known, token * lengths, sequence) for token, sequence in both], length


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The median KL against its limits, and what reward and entropy say about it."""
    limits: Limits = context.limits
    at, values = kl.kl_rows(rows, context)
    offset = kl.offset(rows, at, values, past.offset, context.info)
    drift = values - offset
    (usual, high, extreme), length = _limits(rows, at, context.info, past.length, limits)
    size = cadence.window(limits.median, context.info)
    smooth, kept = rolling_median(drift / usual, past.excess, size, size)
    m, n = cadence.persistence(limits.m, limits.n, context.info)
    far, far_flags = m_of_n(smooth > 1.0, past.flags[0], m, n)
    very_far, very_far_flags = m_of_n(smooth > high / usual, past.flags[1], m, n)
    gone, gone_flags = m_of_n(smooth > extreme / usual, past.flags[2], m, n)
    direction, reward = reward_direction(rows, at, past.reward)
    entropy, entropy_past = smoothed(rows, at, "entropy", limits.median, past.entropy)
    gain, gain_past = gain_held(rows, at, past.gain, context.info)
    bought = (direction == 1.0) | (gain == 1.0)
    bought_nothing = (gain == 0.0) & ~bought  # False while nothing is known of the reward
    grave = very_far & (bought_nothing | (entropy < limits.entropy))
    excused = bought | (gain == UNTOLD)
    level = graded([grave, gone | (far & ~excused), far], [Severity.HIGH.rank, Severity.WARNING.rank, Severity.INFO.rank])
    facts, rate = blame.learning_rates(rows, at, past.rate)
    return Verdict(
        at=at,
        breach=drift > usual,
        level=level,
        value=smooth * usual,
        limit=usual,
        past=Past(offset, kept, (far_flags, very_far_flags, gone_flags), length, reward, gain_past, entropy_past, rate),
        facts={**facts, "bought": bought.astype(np.float64), "entropy": entropy},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    limits: Limits = context.limits
    unit = kl.unit(info)
    return Telling(
        summary=f"KL to the reference reached {episode.peak:.3g} {unit} at step {episode.peak_step} "
        f"(median of {cadence.window(limits.median, info)} logs, limit {episode.limit:.3g}).",
        cause=blame.cause(episode, info) or _without_rate(episode, limits),
        advice=(
            blame.lower_learning_rate(episode, info),
            kl.raise_penalty(info),
            Advice(text=f"Go back to the last checkpoint before step {episode.first_step} if the completions are degenerate."),
        ),
    )


def _without_rate(episode: Episode, limits: Limits) -> str:
    """The cause where the learning rate is not to blame."""
    if episode.facts.get("entropy", 1.0) < limits.entropy:
        return "The policy has collapsed onto few replies far from the reference: its entropy is spent."
    if episode.facts.get("bought") == 1.0:
        return "The policy buys reward with distance from the reference; check that the completions are still good."
    return "The updates are too large, or the pull to the reference is too weak, for the length of this run."


RULE = RowRule(
    family=Family.KL,
    reads=("kl",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.median + limits.n - 1,
    ceiling=Severity.HIGH,
    explained_by=(
        "kl-control-lost",
        "lr-jump",
        "kl-nonzero-at-start",
        "lr-out-of-band",
        "update-too-large",
        "ppo-ratio-extreme",
    ),
)
