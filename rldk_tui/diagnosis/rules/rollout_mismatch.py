"""The sampler and the trainer disagree about the same replies.

What it means
    The log-probabilities that vLLM sampled with differ from those the trainer computes for the same tokens. The training is
    then off-policy without knowing it: it looks fine for long and collapses late, when the difference has grown.

Why it happens
    Another precision or other kernels in vLLM than in the trainer (the last layer above all), weights that were not refreshed
    after an update, a mixture of experts that routes differently, sampling settings that cut the distribution, quantised
    rollouts.

What to do
    Compute the last layer in 32 bits (`cast_lm_head_to_fp32=True`) and use one dtype on both sides, keep
    `vllm_importance_sampling_correction=True`, and check that the weights reach vLLM after every update. If the difference
    rises from step to step, stop before it does harm: its trend matters more than its level.

Where the limit comes from
    Catalogue: 0.02 nat/token in three of five logs, 0.05 high; rising by Mann-Kendall's test over 64 logs and twice what it
    was in the first logs, a warning. Yao et al. ("Your efficient RL framework secretly brings you off-policy training") and
    Liu and Li ("When speed kills stability") tie late collapses to it. TRL logs the mean absolute difference; a mixture of
    experts begins higher, hence the comparison with the run's own first logs in the words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import graded, scope_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.diagnosis.usual import UsualPast, usual
from rldk_tui.events import Advice, Severity
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.trend import DirectionPast, rolling_direction
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n, rolling_median


@dataclass(frozen=True, slots=True)
class Limits:
    """The mean absolute difference of log-probabilities in nat/token; see the manual for the source.

    Attributes:
        risen: Multiple of the first logs from which a rise is worth a word, and `least` the level it must have reached.
        first: First logs that tell how the run began.
        median: Logs whose median is compared with them.
    """

    warning: float = 0.02
    high: float = 0.05
    m: int = 3
    n: int = 5
    risen: float = 2.0
    least: float = 0.005
    first: int = 10
    median: int = 10


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept."""

    flags: tuple[Floats, Floats] = (NOTHING_YET, NOTHING_YET)
    values: Floats = field(default_factory=lambda: NOTHING_YET)
    began: UsualPast = field(default_factory=UsualPast)
    trend: DirectionPast = field(default_factory=DirectionPast)


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The difference against two levels, and against how it began."""
    limits: Limits = context.limits
    at, gap = scope_rows(rows, context)
    m, n = cadence.persistence(limits.m, limits.n, context.info)
    high, high_flags = m_of_n(gap > limits.high, past.flags[1], m, n)
    warned, flags = m_of_n(gap > limits.warning, past.flags[0], m, n)
    middle, kept = rolling_median(gap, past.values, limits.median, limits.median)
    (began, *_), began_past = usual(gap[None, :], past.began, skip=0, size=limits.first, gap=0, at_least=limits.first)
    direction, trend = rolling_direction(gap, past.trend)
    rises = (direction == 1.0) & (middle > limits.risen * began) & (middle > limits.least)
    return Verdict(
        at=at,
        breach=gap > np.where(rises, limits.risen * began, limits.warning),
        level=graded([high, warned | rises], [Severity.HIGH.rank, Severity.WARNING.rank]),
        value=gap,
        limit=np.where(rises & ~warned, limits.risen * began, limits.warning),
        past=Past((flags, high_flags), kept, began_past, trend),
        facts={"began": began, "rises": rises.astype(np.float64)},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    began = episode.facts.get("began", math.nan)
    compared = "" if math.isnan(began) else f"; it began at {began:.2g}"
    rising = episode.facts.get("rises") == 1.0
    return Telling(
        summary=f"Sampler and trainer differ by up to {episode.peak:.2g} nat a token (step {episode.peak_step}, limit "
        f"{episode.limit:.2g}){compared}.",
        cause="The difference grows from step to step, as before a late collapse: the policy leaves what vLLM samples from."
        if rising
        else "vLLM computes other log-probabilities than the trainer: another precision, other kernels or old weights.",
        advice=_closer(context.info),
    )


def _closer(info: RunInfo) -> tuple[Advice, ...]:
    config = info.config
    last_layer = set_to(info, "cast_lm_head_to_fp32", "Compute the last layer in 32 bits", "True", current=False)
    correction = "vllm_importance_sampling_correction"
    return (
        *([last_layer] if config.get("cast_lm_head_to_fp32") is not True else []),
        *(
            [set_to(info, correction, "Correct for the difference", "True", current=False)]
            if config.get(correction) is False
            else []
        ),
        Advice(text="Use one dtype in vLLM and in the trainer, and check that the weights reach vLLM after every update."),
    )


RULE = RowRule(
    family=Family.POLICY,
    reads=("sampling/sampling_logp_difference/mean",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    window=lambda limits: limits.n,
    ceiling=Severity.HIGH,
    explained_by=("sampler-bias-topp", "generation-config-risk"),
)
