"""When the learning rate is the likely cause of an instability, and what to do about it.

A learning rate far too high shows itself in other metrics: KL blows up, the entropy is spent in a few steps, the reward
falls. The rules that see those ask here whether the evidence supports that explanation. It does in two cases: the logged
rate jumped to a multiple of anything before, or it lies far above what the method is trained with.

`set_to` is how any rule proposes a setting: only one that the run's own trainer has.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rldk_tui.diagnosis.beside import held
from rldk_tui.diagnosis.levels import finite_rows
from rldk_tui.diagnosis.rule import Episode
from rldk_tui.events import Advice, Algorithm, Json
from rldk_tui.metrics.metric import GROUPED, ONLINE
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import Floats

JUMP = 3.0
"""A rate this many times the highest before it is a jump, unless the rate was rising already: a warm-up rises in every log,
and the restarts of a schedule return to the old height."""
_SAME = 1.0 + 1e-6
FAR = 5.0
"""Multiples of the bound from which a rate is named as the cause: where the catalogue's lr-out-of-band turns high."""
_SAMPLING_BOUND = 5e-4
_PAIRED_BOUND = 5e-5
BOUNDS = {
    Algorithm.GRPO: _SAMPLING_BOUND,
    Algorithm.RLOO: _SAMPLING_BOUND,
    Algorithm.PPO: _SAMPLING_BOUND,
    Algorithm.ONLINE_DPO: _SAMPLING_BOUND,
    Algorithm.DPO: _PAIRED_BOUND,
    Algorithm.KTO: _PAIRED_BOUND,
}
"""The catalogue's upper bounds for training adapters, which bear about ten times the rate that all weights bear. A log does
not tell which of the two it is, so nothing is blamed below the higher bound. TRL's defaults are 1e-6, PPO's 3e-6."""


@dataclass(frozen=True, slots=True)
class RatePast:
    """What `learning_rates` keeps: the highest rate so far, what was the highest before the last jump, the last two rates."""

    highest: float = math.nan
    before: float = math.nan
    latest: float = math.nan
    earlier: float = math.nan


_ONLY_IN = {
    "beta": GROUPED | {Algorithm.DPO, Algorithm.KTO, Algorithm.ONLINE_DPO},
    "cast_lm_head_to_fp32": frozenset({Algorithm.GRPO}),
    "label_smoothing": frozenset({Algorithm.DPO}),
    "shuffle_dataset": GROUPED | {Algorithm.SFT},
    "temperature": ONLINE,
    "use_vllm": GROUPED,
}
"""Settings that rules for several trainers propose and not all of these have (TRL 1.12's config classes)."""


def set_to(info: RunInfo, parameter: str, text: str, proposed: str, *, current: Json = None) -> Advice:
    """To set a parameter; the words alone where the run's trainer is known to have no such parameter."""
    elsewhere = info.algorithm is not None and info.algorithm not in _ONLY_IN.get(parameter, (info.algorithm,))
    if elsewhere or (info.config and parameter not in info.config):
        return Advice(text=f"{text}.")
    return Advice(text=text, parameter=parameter, current=current, proposed=proposed)


def learning_rates(rows: Rows, at: NDArray[np.intp], past: RatePast) -> tuple[dict[str, Floats], RatePast]:
    """Facts for `cause` at each row: the highest rate so far, and the highest before a jump that is still in force."""
    where, rates = finite_rows(rows, "learning_rate")
    top, in_force, low_ground, kept = rows.once("learning rates", lambda: _walked(rates, past))
    facts = {
        "learning_rate": held(where, top, at, past.highest)[0],
        "learning_rate_before": held(where, in_force, at, low_ground)[0],
    }
    return facts, kept


def _walked(rates: Floats, past: RatePast) -> tuple[Floats, Floats, float, RatePast]:
    """At each rate the highest so far and what was the highest before a jump in force; what was before them; the new past."""
    highest = np.fmax.accumulate(np.concatenate(([past.highest], rates)))
    known = np.concatenate(([past.earlier, past.latest], rates))
    settled = known[1:-1] <= known[:-2] * _SAME
    jumped = np.flatnonzero(settled & (highest[:-1] > 0) & (rates / JUMP > highest[:-1]))
    before, last_before = held(jumped, highest[jumped], np.arange(rates.size), past.before)
    in_force = np.where(rates / JUMP > before, before, np.nan)
    low_ground = past.before if past.latest / JUMP > past.before else math.nan
    return highest[1:], in_force, low_ground, RatePast(float(highest[-1]), last_before, float(known[-1]), float(known[-2]))


def cause(episode: Episode, info: RunInfo) -> str | None:
    """Why the learning rate explains the episode, in one sentence; None where the evidence does not support it."""
    rate, before = _rate(episode, info), episode.facts.get("learning_rate_before")
    if before is not None and rate is not None:
        return f"The learning rate jumped from {before:.2g} to {rate:.2g} before this, the most likely cause."
    bound = None if info.algorithm is None else BOUNDS.get(info.algorithm)
    if rate is None or bound is None or rate < FAR * bound:
        return None
    return (
        f"The learning rate of {rate:.2g} is the most likely cause: {rate / bound:.0f} times the highest that is usual even "
        f"for adapters ({bound:.0e}; training all weights takes a tenth or less)."
    )


def lower_learning_rate(episode: Episode, info: RunInfo, *, guessed: bool = False) -> Advice:
    """Back to what it was before a jump, to what is usual where it is blamed, to a third where it is not.

    Args:
        episode: With the facts of `learning_rates`.
        info: For the configured rate.
        guessed: Nothing but the evidence `cause` asks for points at the rate, so without it the words say it is a guess.
    """
    rate, before = _rate(episode, info), episode.facts.get("learning_rate_before")
    if before is not None:
        text, proposed = "Find out why the learning rate rose, and keep it where it was", f"{before:.2g}"
    elif rate is None:
        text, proposed = "Lower the learning rate", "a third of today's value"
    else:
        blamed = cause(episode, info) is not None
        text, proposed = "Lower the learning rate", usual_rate(info) if blamed else f"{rate / 3:.1g}"
    if guessed and cause(episode, info) is None:
        text = "A guess, should nothing else explain it: lower the learning rate"
    return set_to(info, "learning_rate", text, proposed, current=rate)


def usual_rate(info: RunInfo) -> str:
    """The rate to begin with: the defaults of TRL's trainers."""
    if info.algorithm is Algorithm.SFT:
        return "2e-05"
    if info.algorithm is Algorithm.REWARD:
        return "1e-04"
    return "3e-06" if info.algorithm is Algorithm.PPO else "1e-06"


def _rate(episode: Episode, info: RunInfo) -> float | None:
    """The rate at its height: as logged, else as configured (a rate that decayed since did its harm at its height)."""
    logged = episode.facts.get("learning_rate")
    if logged is None:
        return info.setting("learning_rate")
    return float(f"{logged:.6g}")  # TensorBoard keeps single precision
