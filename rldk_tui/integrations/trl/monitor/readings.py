"""The numbers that are monitored, picked out of one log by whatever names the trainer and its version use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rldk_tui.metrics import canonical

METRICS = ("kl_div", "policy_loss", "value_loss", "reward", "clip_ratio", "entropy")
RATIOS = ("kl_policy_ratio", "value_policy_ratio")
SERIES = (*METRICS, *RATIOS)
_FIELDS = {
    "kl": "kl_div",
    "policy_loss": "policy_loss",
    "value_loss": "value_loss",
    "reward": "reward",
    "clip_fraction": "clip_ratio",
    "entropy": "entropy",
}
"""Which canonical metric of the catalogue each is."""
ABOUT_ZERO = 1e-6
"""A policy loss that is no divisor: it is a mean of advantages that sum to 0, and float32 leaves this much of them."""


@dataclass(frozen=True, slots=True)
class MonitoredMetrics:
    """One log of a training step; None where the trainer did not log it, or logged that nothing could be scored.

    Attributes:
        step, epoch: Of the log; the epoch with its fraction.
        kl_div: KL to the reference, in the trainer's own unit (nats a sequence in PPO, nats a token in GRPO and RLOO).
        policy_loss, value_loss, reward, clip_ratio, entropy: As logged; the entropy in nats a token.
        kl_policy_ratio: `kl_div` over the size of `policy_loss`; None where that is about 0.
        value_policy_ratio: `value_loss` over the size of `policy_loss`; None where that is about 0.
    """

    step: int
    epoch: float | None = None
    kl_div: float | None = None
    policy_loss: float | None = None
    value_loss: float | None = None
    reward: float | None = None
    clip_ratio: float | None = None
    entropy: float | None = None
    kl_policy_ratio: float | None = None
    value_policy_ratio: float | None = None

    def values(self) -> dict[str, float]:
        """What is known of `SERIES`, by name."""
        found = ((name, getattr(self, name)) for name in SERIES)
        return {name: value for name, value in found if value is not None}

    def __str__(self) -> str:
        return ", ".join([f"step {self.step}", *(f"{name} {value:.4g}" for name, value in self.values().items())])


def readings(step: int, epoch: float | None, logged: Mapping[str, float | None]) -> MonitoredMetrics | None:
    """What is monitored of one log; None where it holds none of it."""
    found: dict[str, float] = {}
    for key, value in logged.items():
        field = _FIELDS.get(canonical(key))
        if field is not None and value is not None:
            found.setdefault(field, value)
    if not found:
        return None
    divisor = found.get("policy_loss")
    return MonitoredMetrics(
        step=step,
        epoch=epoch,
        **found,
        kl_policy_ratio=_ratio(found.get("kl_div"), divisor),
        value_policy_ratio=_ratio(found.get("value_loss"), divisor),
    )


def _ratio(dividend: float | None, divisor: float | None) -> float | None:
    if dividend is None or divisor is None or abs(divisor) < ABOUT_ZERO:
        return None
    return dividend / abs(divisor)
