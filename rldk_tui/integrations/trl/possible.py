"""What is wrong with one logged value, told by the value and the row it stands in, and what to do about it.

Only what is certain is a fault here: no number, impossible by the metric's definition, or a zero that no computation gives.
What a number means for the training is for the rules to say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from rldk_tui.events import Algorithm
from rldk_tui.metrics import lookup
from rldk_tui.metrics.domains import IN_NATS, NAN_IN_HEALTHY_RUNS, NEVER_NEGATIVE_KL, OVERFLOW, domain

Row = Mapping[str, float | None]
"""One row, by catalogue names."""

LOSS_IS_NEVER_ZERO = frozenset({Algorithm.SFT, Algorithm.DPO, Algorithm.KTO, Algorithm.REWARD})
"""Trainers whose loss is a mean of positive terms; the online ones' is about 0 when all is well."""
NEVER_ZERO = {
    "entropy": "it was not computed, or every token is certain",
    "completions/mean_length": "nothing was generated, or it was not counted",
    "policy_ratio": "it was not computed",
}
"""Metrics that are above 0 when they are computed, and what a zero means."""
_SAYS_NAN = ("grad_norm", "entropy", "margin", "logps/chosen", "logps/rejected", "kl")
"""Metrics that no filter guards, so that they show the NaN that the loss hides."""
_SAMPLING = "Check generation kwargs: top_k=0, top_p=1.0, no min_length; pad and end token must differ."
_TOO_LARGE = "Look at the rewards and the gradient norm of the steps before; a lower learning rate or bf16 instead of fp16."
_DROPPED = "Look for what computes it and for an override of `log` that fills it in; log nothing where there is no value."


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong: `name` is one word for the kind of trouble."""

    name: str
    message: str
    advice: str


def fault_of(metric: str, value: float | None, row: Row, algorithm: Algorithm | None, *, k3: bool = False) -> Fault | None:
    """What is wrong with this value; None where nothing is for certain.

    Args:
        metric: Catalogue name of the metric.
        value: As it was logged; None is Python's None.
        row: The whole row.
        algorithm: Which trainer it is; None where that is not known.
        k3: Whether the config asks PPO for the estimator that is never negative.
    """
    if value is None:
        return _none(metric)
    if not math.isfinite(value):
        return _not_finite(metric, value)
    return _impossible(metric, value, algorithm, k3=k3) or (_zero(metric, row, algorithm) if value == 0.0 else None)


def least(metric: str, algorithm: Algorithm | None, *, k3: bool = False) -> float | None:
    """The least value that is no fault; None where any is possible.

    KL by k1, the mean of a log-ratio, may be negative by chance: below the catalogue's normal band it is told.
    """
    possible = domain(metric, algorithm)
    if metric == "kl" and algorithm not in NEVER_NEGATIVE_KL and not k3:
        row = lookup("kl")
        band = row.band_in(algorithm or Algorithm.RLOO) or row.band_in(Algorithm.PPO)
        return None if band is None else band.low
    if metric == "kl":
        return -IN_NATS
    return None if possible is None else possible[0]


def _none(metric: str) -> Fault:
    if metric == "reward":
        return Fault(
            "none",
            "No reply of this log could be scored: the reward is None",
            "Check the reward function: it returned None or NaN for every reply, and the step taught nothing.",
        )
    if metric.startswith("rewards/"):
        return Fault(
            "none",
            f"{_title(metric, first=True)} is None: this reward function scored no reply",
            "Right where it scores only some tasks; else check what it returns for the newest completions.",
        )
    return Fault("none", f"{_title(metric, first=True)} is None", _DROPPED)


def _not_finite(metric: str, value: float) -> Fault | None:
    if metric in NAN_IN_HEALTHY_RUNS:
        return None
    word = "NaN" if math.isnan(value) else "Infinite"
    if metric.startswith(("reward", "min_reward", "max_reward")):
        advice = "Check the reward function or reward model: it must return finite numbers; bound them."
    elif metric in ("loss", "grad_norm", "policy_loss", "value_loss"):
        advice = "Stop and go back to a checkpoint with finite weights. " + _TOO_LARGE
    else:
        advice = _TOO_LARGE
    return Fault("nan" if word == "NaN" else "infinite", f"{word} {_title(metric)}", advice)


def _impossible(metric: str, value: float, algorithm: Algorithm | None, *, k3: bool) -> Fault | None:
    low = least(metric, algorithm, k3=k3)
    possible = domain(metric, algorithm)
    if low is not None and value < low and not (metric == "grad_norm" and value == OVERFLOW):
        if metric == "kl":
            return Fault("negative", f"Negative KL divergence: {value:.4g}", _SAMPLING)
        return Fault("negative", f"Negative {_title(metric)}: {value:.4g}", "It cannot be below 0: check what computes it.")
    if possible is not None and value > possible[1]:
        return Fault("beyond", f"{_title(metric, first=True)} is a share and above 1: {value:.4g}", "Check what computes it.")
    return None


def _zero(metric: str, row: Row, algorithm: Algorithm | None) -> Fault | None:
    """Zeros that mean "not computed" or hide a NaN."""
    if metric == "loss":
        return _zero_loss(row, algorithm)
    if metric == "grad_norm":
        return _zero_gradient(row)
    if metric in NEVER_ZERO:
        return Fault("zero", f"Zero {_title(metric)}: {NEVER_ZERO[metric]}", _DROPPED)
    low, high = row.get("min_reward"), row.get("max_reward")
    if metric == "reward_std" and low is not None and high is not None and low < high:
        message = f"Zero {_title(metric)} while rewards range from {low:.4g} to {high:.4g}"
        return Fault("zero", message, "The spread was not computed: check the trainer's version, or what logs it.")
    return None


def _zero_loss(row: Row, algorithm: Algorithm | None) -> Fault | None:
    hidden = [name for name in _SAYS_NAN if (value := row.get(name)) is not None and not math.isfinite(value)]
    if not hidden and algorithm not in LOSS_IS_NEVER_ZERO:
        return None
    seen = f" while {_title(hidden[0])} is no number" if hidden else ""
    return Fault(
        "zero",
        f"Zero loss{seen}: a NaN loss is logged as exactly 0.0",
        "Set logging_nan_inf_filter=False to see the truth; if it is NaN, go back to a checkpoint with finite weights.",
    )


def _zero_gradient(row: Row) -> Fault | None:
    """A norm of exactly 0 is right where the loss is 0 because no group of replies differs in reward."""
    loss, silent = row.get("loss"), row.get("frac_reward_zero_std")
    alive = loss is not None and math.isfinite(loss) and loss != 0.0
    if not alive and (silent is None or silent >= 1.0):
        return None
    return Fault(
        "zero",
        "Zero gradient norm" + (f" while the loss is {loss:.4g}" if alive else ""),
        "No weight changes: check that parameters ask for gradients and are in the optimizer, and that the rewards differ.",
    )


def _title(metric: str, *, first: bool = False) -> str:
    """The catalogue's title with its name behind it, in mid-sentence unless it is the first word."""
    title = lookup(metric).title
    if title == metric:
        return metric
    plain = title if first or title[:2].isupper() else title[0].lower() + title[1:]
    return plain if plain == metric else f"{plain} ({metric})"
