"""The estimated KL to the reference is negative.

What it means
    A true KL divergence is never negative. An estimate that stays below zero means that the log-probabilities of the
    replies are not those of the distribution that the replies were sampled from. The KL penalty then pays the policy for
    going on like that: the reward with penalty rises while nothing improves, and such runs fail.

Why it happens
    Sampling is not plain sampling: `top_k`, `top_p`, `min_p`, a repetition penalty or a minimum length; rollouts from another
    copy of the weights; padding or end tokens that are forced or counted wrongly (pad and end token the same id). The
    temperature is not it: TRL divides the logits by it on both sides.

What to do
    Sample with `top_k=0`, `top_p=1.0`, no `min_p`, no repetition penalty and no minimum length. TRL's PPO sets the first two
    itself and takes the rest from the model's `generation_config`: look there. Give padding and end distinct ids; in PPO end
    replies by `stop_token="eos"` with a `missing_eos_penalty` instead of a minimum length.
    `kl_estimator="k3"` is never negative, but hides the mismatch instead of mending it.

Where the limit comes from
    TRL's training FAQ ("What is the concern with negative KL divergence?") and TRL issues 235, 925, 1005 and 1857. TRL itself
    warns below -1 nat a reply (pull request 352). Single small negatives are noise of the estimator (issue 925), so the
    median of ten logs must lie below zero by twice its own uncertainty, 1.4826 MAD/sqrt(n). RLOO's mean over tokens is put
    in nats a reply by the mean length. GRPO's k3 and KTO's clamped KL cannot be negative and are left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis import cadence
from rldk_tui.diagnosis.beside import last_known
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.spread import TO_SIGMA, median_deviation
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n, rolling_median, windows


@dataclass(frozen=True, slots=True)
class Limits:
    """KL a reply in nats; see the manual for the source.

    Attributes:
        warning: The median of `median` logs below this.
        high: `m` of `n` logs below this.
        critical: One log below this.
        certainty: The median's distance from zero, in its own uncertainty, without which nothing is said.
        at_least: Logs before anything is said.
    """

    warning: float = -0.5
    high: float = -1.0
    critical: float = -5.0
    median: int = 10
    m: int = 3
    n: int = 5
    certainty: float = 2.0
    at_least: int = 5


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept."""

    values: Floats = field(default_factory=lambda: NOTHING_YET)
    flags: Floats = field(default_factory=lambda: NOTHING_YET)
    length: float = math.nan


def applies(info: RunInfo) -> str | None:
    """Trainers whose estimator can be negative."""
    if info.algorithm not in (None, Algorithm.PPO, Algorithm.RLOO):
        return "this trainer's KL estimate cannot be negative"
    return "the k3 estimator cannot be negative" if info.config.get("kl_estimator") == "k3" else None


def _a_reply(rows: Rows, info: RunInfo, before: float) -> tuple[NDArray[np.intp], Floats, Floats, float]:
    """Rows with a KL in nats a reply, that KL, what the log's unit is multiplied by for it, and the last reply length.

    A run of unknown trainer logs a mean over tokens if it logs a reply length at all, for PPO logs none.
    """
    at, kl = finite_rows(rows, "kl")
    if info.algorithm is Algorithm.PPO:
        return at, kl, np.ones(at.size), before
    length, latest = last_known(rows, at, "completions/mean_length", before)
    known = length >= 1.0
    return at[known], kl[known] * length[known], length[known], latest


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The median below zero beyond its own noise, and how far."""
    limits: Limits = context.limits
    at, kl, length, latest = _a_reply(rows, context.info, past.length)
    size = cadence.window(limits.median, context.info)
    at_least = cadence.window(limits.at_least, context.info)
    view, _ = windows(kl, past.values, size)
    middle, kept = rolling_median(kl, past.values, size, at_least)
    noise = np.zeros(kl.size)
    if kl.size:
        noise = TO_SIGMA * median_deviation(view) / np.sqrt(np.count_nonzero(~np.isnan(view), axis=1))
    certain = -middle > limits.certainty * noise
    often, flags = m_of_n(kl < limits.high, past.flags, *cadence.persistence(limits.m, limits.n, context.info))
    level = np.zeros(kl.size, np.int8)
    level[certain & (middle < limits.warning)] = Severity.WARNING.rank
    level[certain & often] = Severity.HIGH.rank
    level[certain & (kl < limits.critical)] = Severity.CRITICAL.rank
    return Verdict(
        at=at,
        breach=kl < limits.warning,
        level=level,
        value=middle / length,
        limit=limits.warning / length,
        past=Past(kept, flags, latest),
        facts={"reply": middle, "length": length},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    limits: Limits = context.limits
    a_token = info.algorithm is not Algorithm.PPO
    where = f" a token ({episode.peak * episode.facts.get('length', math.nan):.2f} a reply)" if a_token else " a reply"
    return Telling(
        summary=f"The estimated KL to the reference fell to {episode.peak:.3g} nat{where} by step {episode.peak_step} "
        f"(median of {cadence.window(limits.median, info)} logs); a KL is never negative.",
        cause="The log-probabilities are not those of the distribution the replies were sampled from: the KL penalty pays the "
        "policy for the mismatch.",
        advice=(
            *_sampling(info),
            Advice(text="Check that padding and end token have distinct ids and that rollouts use the current weights."),
        ),
    )


_PLAIN: tuple[tuple[str, float], ...] = (
    ("top_k", 0),
    ("top_p", 1.0),
    ("min_p", 0),
    ("repetition_penalty", 1.0),
    ("min_new_tokens", 0),
    ("min_length", 0),
)

_UNCUT = ("top_k", -1.0)
"""Off, as vLLM spells it."""


def _sampling(info: RunInfo) -> tuple[Advice, ...]:
    """Every setting of the trainer that bends the sampling, then what may bend it beside the trainer's config."""
    bent = tuple(
        Advice(text="Sample from the policy itself", parameter=name, current=today, proposed=f"{plain:g}")
        for name, plain in _PLAIN
        if (today := info.setting(name)) is not None and today != plain and (name, today) != _UNCUT
    )
    none = "no min_p, no repetition penalty, no minimum length"
    if info.algorithm is Algorithm.PPO:
        return *bent, Advice(text=f"Look into the model's generation_config, which PPO samples with: {none}.")
    return *bent, Advice(text=f"Sample from the policy itself, in all generation settings: top_k=0, top_p=1.0, {none}.")


RULE = RowRule(
    family=Family.KL,
    reads=("kl",),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.median,
    worst=np.argmin,
    explained_by=("generation-config-risk",),
)
