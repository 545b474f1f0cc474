"""Replies are cut off before they end.

What it means
    A large share of the sampled replies reached `max_completion_length` without an end token. The reward and every
    verifier see fragments, so the policy is graded on text it had not finished.

Why it happens
    The limit is too low for the task, the policy learned that longer is better, or nothing pays for ending: an end token
    that the reward never sees is an end token the policy forgets.

What to do
    If the KL had left its limit or the entropy was spent by then, the policy is broken and never ends a reply: mend that
    first, for longer replies only cost more. Otherwise raise `max_completion_length`, or make the reward pay for ending
    (`get_soft_overlong_punishment`; `missing_eos_penalty` in PPO). Check that the end token of the tokenizer is the one the
    model was trained with.

Where the limit comes from
    Catalogue of this project: the median of ten logs at 30, 60 and 95 %; of PPO, which logs no share, as the callback
    counts replies without an end token. Public runs with such shares (an environment with 100 % from step 55, one with
    90–97 % at a limit of 128 tokens) did not learn; DAPO (arXiv 2503.14476) reports the noise that cut replies bring and
    shapes the reward against it. Whether the policy is broken is told by the limits of kl-too-high and entropy-collapse,
    0.5 and 0.05 nat/token over five logs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis import kl
from rldk_tui.diagnosis.beside import SmoothPast, smoothed
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import LevelPast, Rung, scope_rows, watch_levels
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.metrics.metric import GROUPED, ONLINE
from rldk_tui.run import Rows, RunInfo


@dataclass(frozen=True, slots=True)
class Limits:
    """Shares of truncated replies; see the manual for their source.

    Attributes:
        drift: KL in nat/token beyond which the policy is broken, the median of `beside` logs (kl-too-high).
        spent: Entropy in nat/token below which it is (entropy-collapse).
    """

    warning: float = 0.3
    high: float = 0.6
    critical: float = 0.95
    median: int = 10
    at_least: int = 8
    drift: float = 0.5
    spent: float = 0.05
    beside: int = 5


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Past:
    """What is kept; `offset` is what a wrong reference adds to the KL."""

    shares: LevelPast = field(default_factory=LevelPast)
    kl: SmoothPast = field(default_factory=SmoothPast)
    entropy: SmoothPast = field(default_factory=SmoothPast)
    offset: float = math.nan


def applies(info: RunInfo) -> str | None:
    """Only trainers that sample replies."""
    return None if info.algorithm is None or info.algorithm in ONLINE else "this trainer samples no replies"


def watch(rows: Rows, past: Past, context: Context) -> Verdict[Past]:
    """The median share over the last logs against the three limits; beside it, whether the policy is broken."""
    limits: Limits = context.limits
    at, share = scope_rows(rows, context)
    rungs = (
        Rung(limits.warning, Severity.WARNING),
        Rung(limits.high, Severity.HIGH),
        Rung(limits.critical, Severity.CRITICAL),
    )
    verdict = watch_levels(share, at, past.shares, rungs, median=limits.median, at_least=limits.at_least)
    drift, kl_past = smoothed(rows, at, "kl", limits.beside, past.kl)
    entropy, entropy_past = smoothed(rows, at, "entropy", limits.beside, past.entropy)
    offset = kl.offset(rows, *kl.kl_rows(rows, context), past.offset, context.info)
    a_token = context.info.algorithm is None or context.info.algorithm in GROUPED
    return Verdict(
        at=at,
        breach=verdict.breach,
        level=verdict.level,
        value=verdict.value,
        limit=verdict.limit,
        past=Past(verdict.past, kl_past, entropy_past, offset),
        facts={"kl": drift - offset, "entropy": entropy} if a_token else {},
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    limits: Limits = context.limits
    parameter = "max_completion_length" if info.algorithm is None else _LENGTH.get(info.algorithm, "max_completion_length")
    limit = info.setting(parameter)
    broken = _broken(episode, limits)
    longer = set_to(
        info,
        parameter,
        "Only if they are good text: allow longer replies" if broken else "Allow longer replies",
        f"{2 * limit:g}" if limit else "twice today's value",
        current=limit,
    )
    ending = _pay_for_ending(info)
    where = f" at the limit of {limit:g} tokens" if limit else ""
    return Telling(
        summary=f"Up to {percent(episode.peak)} of the replies were cut off{where} (median of {limits.median} logs, "
        f"limit {percent(episode.limit)}).",
        cause=broken or "The policy does not end its replies within the allowed length, so the reward grades fragments.",
        advice=(_MEND, ending, longer) if broken else (longer, ending),
    )


_LENGTH = {Algorithm.PPO: "response_length", Algorithm.ONLINE_DPO: "max_new_tokens"}
"""What the limit is called where it is not `max_completion_length`."""
_MEND = Advice(text="Mend the policy first: read the newest replies, and go back to a checkpoint from before it broke.")


def _broken(episode: Episode, limits: Limits) -> str | None:
    """Why the policy itself is the cause, in one sentence; None where neither KL nor entropy tells so."""
    drift, entropy = episode.facts.get("kl", math.nan), episode.facts.get("entropy", math.nan)
    signs = [
        *([f"KL was {drift:.2g} nat/token (limit {limits.drift:g})"] if drift > limits.drift else []),
        *([f"entropy was {entropy:.2g} nat/token (limit {limits.spent:g})"] if entropy < limits.spent else []),
    ]
    if not signs:
        return None
    return f"The policy is broken and no longer ends its replies: at step {episode.detected_step} {' and '.join(signs)}."


def _pay_for_ending(info: RunInfo) -> Advice:
    """PPO and Online DPO have a setting for it, off by default."""
    text = "Make the reward pay for ending a reply"
    if info.algorithm in _LENGTH and info.config.get("missing_eos_penalty") is None:
        return set_to(info, "missing_eos_penalty", text, "1.0")
    return Advice(text=f"{text}, e.g. with TRL's get_soft_overlong_punishment.")


RULE = RowRule(
    family=Family.LENGTH,
    reads=("completions/clipped_ratio", "hook/rollout_truncated"),
    watch=watch,
    limits=LIMITS,
    fresh=Past(),
    tell=tell,
    applies=applies,
    window=lambda limits: limits.median,
    explained_by=(
        "length-reward-coupling",
        "proxy-gold-divergence",
        "lr-jump",
        "lr-out-of-band",
        "update-too-large",
        "ppo-ratio-extreme",
        "kl-control-lost",
        "kl-too-high",
        "entropy-collapse",
    ),
)
