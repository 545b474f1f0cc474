"""The reference model is not the model that training began from.

What it means
    Before the first update the policy is the reference, so the very first KL must be zero, and a preference loss must start
    at its neutral value. Here it does not: the KL term pulls the policy towards some other model, usually back to the base
    model before its fine-tuning, and every later KL is off by this amount.

Why it happens
    An adapter of a former stage is taken for part of the policy but not of the reference; the weights were edited after
    loading (TRL loads the reference anew from the model's name); dropout is on; the two models have different dtypes;
    rollouts are sampled from a distorted distribution (`top_k`, another temperature).

What to do
    The size tells where to look. From ten times the limit on it is another model: merge the adapter of the former stage
    before training, or load it a second time as the adapter `ref`; in PPO pass as `ref_model` a copy of the model that
    training begins from. Below that, load both models in one dtype, sample with `top_k=0`, `top_p=1.0`, and set
    `disable_dropout=True` (PPO has no such setting: it turns dropout off itself).

Where the limit comes from
    Catalogue: 0.01 and 0.1 nat/token (PPO 0.5 and 5 nats a reply) in the first log only; bfloat16 alone gives 1e-5 to 1e-4.
    TRL issues 3500 (dropout), 1340 and 495 (base model as reference); a public GRPO run began at 1.1 nat/token. DPO's loss
    begins at ln 2 = 0.6931 with margin 0, KTO's at 0.5, within 0.02. Not judged when the run was resumed or when the first
    log is a mean of more than five steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis import kl
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import finite_rows, nothing
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Algorithm, Severity
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import Floats


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        high: Multiples of the limit from which it is high, and another model likelier than dropout.
        preference: How far a first loss or margin may be from neutral.
    """

    high: float = 10.0
    preference: float = 0.02


LIMITS = Limits()
_NEUTRAL = {Algorithm.DPO: math.log(2.0), Algorithm.KTO: 0.5}


def applies(info: RunInfo) -> str | None:
    """Trainers that compare the policy with a reference."""
    return None if info.algorithm in _NEUTRAL else kl.against_reference(info)


def scopes(_reads: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """A preference trainer is judged by its margin and loss, every other by its KL."""
    if "rewards/margins" in names:
        return ("rewards/margins",)
    return ("kl",) if "kl" in names else ()


def _distance(rows: Rows, context: Context, limits: Limits) -> tuple[NDArray[np.intp], Floats, float]:
    """Rows that can be judged, how far each is from neutral, and the limit."""
    info = context.info
    if context.scope == "kl":
        at, values = kl.kl_rows(rows, context)
        return at, values, kl.start_limit(info)
    at, margins = finite_rows(rows, "rewards/margins")
    away = np.abs(margins) if info.algorithm is not Algorithm.KTO else np.zeros(at.size)
    neutral = _neutral_loss(info)
    if neutral is not None:
        loss = rows.column("loss")
        off = np.where(loss.finite[at], np.abs(np.clip(loss.values[at], -1e6, 1e6) - neutral), 0.0)
        away = np.maximum(away, off)
    return at, away, limits.preference


def _neutral_loss(info: RunInfo) -> float | None:
    """What the loss must begin at; None where the kind of loss is not known to be the usual one."""
    if info.algorithm is Algorithm.DPO:
        return _NEUTRAL[Algorithm.DPO] if info.config.get("loss_type") in ("sigmoid", ["sigmoid"]) else None
    if info.algorithm is Algorithm.KTO:
        plain = all(info.config.get(name, 1.0) == 1.0 for name in ("desirable_weight", "undesirable_weight"))
        return _NEUTRAL[Algorithm.KTO] if plain and info.config.get("loss_type", "kto") == "kto" else None
    return None


def watch(rows: Rows, past: bool, context: Context) -> Verdict[bool]:
    """The first log alone; `past` is whether it was seen. It stays in trouble: no later log can mend the reference."""
    limits: Limits = context.limits
    if past:
        return nothing(past)
    at, away, limit = _distance(rows, context, limits)
    if not at.size or not kl.tells_the_start(int(rows.steps[at[0]]), context.info):
        return nothing(at.size > 0)
    value = away[:1]
    graver = Severity.HIGH if context.scope == "kl" else Severity.WARNING
    level = np.where(value > limits.high * limit, graver.rank, np.where(value > limit, Severity.WARNING.rank, 0))
    return Verdict(
        at=at[:1], breach=value > limit, level=level.astype(np.int8), value=value, limit=np.full(1, limit), past=True
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    info = context.info
    limits: Limits = context.limits
    if episode.scope == "kl":
        what = f"KL to the reference is {episode.peak:.3g} {kl.unit(info)}"
    else:
        what = f"Loss or margin is {episode.peak:.3g} away from neutral"
    return Telling(
        summary=f"{what} in the first log (step {episode.first_step}), before anything was learned (limit {episode.limit:g}).",
        cause=_cause(episode, limits),
        advice=(*_other_model(info), *_same_model(info))
        if _far(episode, limits)
        else (*_same_model(info), *_other_model(info)),
    )


def _far(episode: Episode, limits: Limits) -> bool:
    """Whether it is so much that dropout and dtype hardly explain it."""
    return episode.peak >= limits.high * episode.limit


def _cause(episode: Episode, limits: Limits) -> str:
    if _far(episode, limits):
        return "The reference model is not the policy that training began from, so the KL term pulls it to another model."
    return "Policy and reference do not compute the same: another dtype, dropout, distorted sampling, or another model."


def _other_model(info: RunInfo) -> tuple[Advice, ...]:
    """What to do where the reference is another model."""
    if info.algorithm is Algorithm.PPO:
        return (Advice(text="Pass as ref_model a copy of the very model that training begins from, its adapters merged."),)
    return (
        Advice(text="Merge the adapter of the former stage before training, or load it again as the adapter `ref`."),
        Advice(text="Do not edit weights after loading: TRL loads the reference anew from the model's name."),
    )


def _same_model(info: RunInfo) -> tuple[Advice, ...]:
    """What makes one model compute two things. PPO turns dropout off itself, and has no setting for it."""
    dtype = Advice(text="Load policy and reference in one dtype.")
    today = info.config.get("disable_dropout")
    if info.algorithm is Algorithm.PPO or today is True:
        return (dtype,)
    return dtype, set_to(info, "disable_dropout", "Turn dropout off", "True", current=today)


RULE = RowRule(
    family=Family.KL,
    reads=("kl", "rewards/margins"),
    watch=watch,
    limits=LIMITS,
    fresh=False,
    tell=tell,
    applies=applies,
    scopes=scopes,
    ceiling=Severity.HIGH,
)
