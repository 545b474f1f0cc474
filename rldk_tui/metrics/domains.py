"""Which values a metric can have at all, by its definition, with room for rounding."""

from __future__ import annotations

import math

from rldk_tui.events.schema import Algorithm

SHARES = (
    "completions/clipped_ratio",
    "frac_reward_zero_std",
    "clip_fraction",
    "value_clip_fraction",
    "rewards/accuracies",
    "accuracy",
    "mean_token_accuracy",
)
"""From 0 to 1."""
COUNTED = (
    "reward_std",
    "grad_norm",
    "completions/mean_length",
    "policy_ratio",
    "policy_ratio_var",
    "approx_kl",
    "value_loss",
    "val/num_eos_tokens",
)
"""Never negative: spreads, norms, lengths, squares."""
NATS = ("entropy", "entropy/sequence", "kl")
"""Never negative, but computed from log-probabilities, whose rounding shows."""

EXACT = 1e-6
"""Rounding of shares and counts."""
IN_NATS = 0.01
"""Rounding of what is a difference of log-probabilities: half precision resolves no better than 0.004 near 1."""
OVERFLOW = -1.0
"""A gradient norm that is no norm but DeepSpeed's mark of an overflow."""
NEVER_NEGATIVE_KL = frozenset({Algorithm.GRPO, Algorithm.KTO})
"""Trainers whose KL estimate (k3, or clamped) cannot be negative; others' k1 may be, by the noise of the sampling."""
NAN_IN_HEALTHY_RUNS = frozenset({"policy_ratio_var"})
"""PPO's `val/ratio_var` is the variance of one number with one epoch, one minibatch and no accumulation."""


def domain(name: str, algorithm: Algorithm | None, exact: float = EXACT, nats: float = IN_NATS) -> tuple[float, float] | None:
    """The least and the greatest possible value of a metric by its catalogue name.

    Returns:
        None where no bound is known, or where the trainer does not tell which quantity it is.
    """
    if name == "accuracy" and algorithm is not Algorithm.REWARD:
        return None
    if name == "kl" and algorithm not in NEVER_NEGATIVE_KL:
        return None
    if name in SHARES:
        return -exact, 1.0 + exact
    if name in COUNTED:
        return -exact, math.inf
    return (-nats, math.inf) if name in NATS else None
