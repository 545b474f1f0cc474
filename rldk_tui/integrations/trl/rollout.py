"""One rollout of PPO in figures, from the tensors its loop works with.

Shapes: n replies of at most t tokens. Nothing here waits for the device: the figures are one small tensor until somebody
asks for them. Sums are taken in float32 whatever the models train in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

Tensor = torch.Tensor

FIGURES = (
    "hook/advantage_mean",
    "hook/advantage_std",
    "hook/advantage_normalized",
    "hook/value_mean",
    "hook/value_std",
    "hook/return_mean",
    "hook/return_std",
    "hook/explained_variance",
    "hook/rollout_length_mean",
    "hook/rollout_length_std",
    "hook/rollout_truncated",
    "hook/reward_std",
    "hook/reward_min",
    "hook/reward_max",
    "hook/kl_std",
    "hook/rollout_mean_reward",
    "hook/rollout_std_reward",
    "hook/rollout_buffer_pos",
)
"""What is told of a rollout, in the order of `figures`."""
_OF_REPLIES = {"hook/rollout_length_std", "hook/reward_std", "hook/kl_std", "hook/rollout_std_reward"}
_OF_TOKENS = {"hook/advantage_std", "hook/value_std", "hook/return_std", "hook/explained_variance", "hook/advantage_normalized"}
_WHITE = 0.1
"""How far the mean of whitened advantages may lie from 0 and their spread from 1; the trainer's own are within 1e-3."""
_TOO_NARROW = 1e-3
"""A spread that the trainer's whitening cannot bring to 1: it adds 1e-8 to the variance."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """The replies of one update, as the loop had them when it whitened the advantages.

    Attributes:
        advantages: (n, t), before whitening.
        whitened: (n, t), what the loop uses instead.
        mask: (n, t), true at the tokens of the replies.
        values: (n, t), what the value function foretold.
        logprobs, ref_logprobs: (n, t), of the policy that sampled and of the reference.
        scores: (n,), as the reward model gave them.
        ended: (n,), whether the reply holds an end token.
        missing_end_penalty: Taken from the score of a reply without one.
        kl_coef: What a nat of KL costs.
        squared: Whether the KL is estimated by k3 instead of k1 (joschu.net/blog/kl-approx.html).
    """

    advantages: Tensor
    whitened: Tensor
    mask: Tensor
    values: Tensor
    logprobs: Tensor
    ref_logprobs: Tensor
    scores: Tensor
    ended: Tensor
    missing_end_penalty: float
    kl_coef: float
    squared: bool


def figures(rollout: Rollout) -> Tensor:
    """The numbers named by `FIGURES`, shape (18,), on the tensors' device."""
    mask, advantages, values = rollout.mask, rollout.advantages.float(), rollout.values.float()
    # the value function learns from one token more than the reply has: the reward lies on it
    learned = torch.cat((torch.ones_like(mask[:, :1]), mask[:, :-1]), dim=1)
    values = torch.where(learned, values, 0.0)
    returns = advantages + values
    lengths = mask.sum(1).float()
    scores = rollout.scores.float() - rollout.missing_end_penalty * (~rollout.ended).float()
    kl = _kl(rollout)
    gained = scores - rollout.kl_coef * kl
    return torch.stack(
        (
            *_mean_and_std(advantages, mask),
            _is_white(rollout.whitened.float(), mask),
            *_mean_and_std(values, learned),
            *_mean_and_std(returns, learned),
            _explained(advantages, returns, learned),
            *_mean_and_std(lengths),
            (~rollout.ended).float().mean(),
            _mean_and_std(scores)[1],
            scores.min(),
            scores.max(),
            _mean_and_std(kl)[1],
            *_mean_and_std(gained),
            scores.new_tensor(float(scores.numel())),
        )
    )


def told(found: Tensor) -> dict[str, float | None]:
    """The figures by name; this waits for the device.

    None stands for what is not defined: the spread of a single number, and the share of a variance of 0. A NaN is one.
    """
    values: dict[str, float | None] = dict(zip(FIGURES, found.tolist(), strict=True))
    replies, length = values["hook/rollout_buffer_pos"] or 0.0, values["hook/rollout_length_mean"] or 0.0
    undefined: set[str] = set()
    if replies < 2:
        undefined |= _OF_REPLIES
    if replies * length < 2:
        undefined |= _OF_TOKENS
    if not values["hook/return_std"]:
        undefined.add("hook/explained_variance")
    if (values["hook/advantage_std"] or 0.0) < _TOO_NARROW:
        undefined.add("hook/advantage_normalized")
    return {name: None if name in undefined else value for name, value in values.items()}


def _kl(rollout: Rollout) -> Tensor:
    """Of each reply, shape (n,), in nats."""
    gain = torch.where(rollout.mask, rollout.ref_logprobs.float() - rollout.logprobs.float(), 0.0)
    each = gain.exp() - 1.0 - gain if rollout.squared else -gain
    return each.sum(1)


def _mean_and_std(values: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Mean and unbiased standard deviation where `mask` is true; NaN of too few values."""
    there = torch.ones_like(values, dtype=torch.bool) if mask is None else mask
    count = there.sum()
    mean = torch.where(there, values, 0.0).sum() / count
    return mean, torch.sqrt(_squares(values, mean, there) / (count - 1))


def _squares(values: Tensor, middle: Tensor, mask: Tensor) -> Tensor:
    return torch.where(mask, (values - middle) ** 2, 0.0).sum()


def _explained(advantages: Tensor, returns: Tensor, mask: Tensor) -> Tensor:
    """1 - Var(return - value) / Var(return): the advantage is what the value leaves over."""
    left, middle = (_mean_and_std(values, mask)[0] for values in (advantages, returns))
    return 1.0 - _squares(advantages, left, mask) / _squares(returns, middle, mask)


def _is_white(advantages: Tensor, mask: Tensor) -> Tensor:
    """1 where mean and spread are those of whitened numbers, else 0."""
    mean, spread = _mean_and_std(advantages, mask)
    return ((mean.abs() < _WHITE) & ((spread - 1.0).abs() < _WHITE)).float()


def joined(parts: list[Tensor]) -> Tensor:
    """The parts of a rollout that was worked on piece by piece."""
    return parts[0] if len(parts) == 1 else torch.cat(parts, 0)


def holds(tokens: Tensor, ends: list[Any]) -> Tensor:
    """Whether each row of tokens, shape (n, t), holds one of the end tokens; shape (n,)."""
    found = torch.zeros_like(tokens[:, 0], dtype=torch.bool)
    for end in ends:
        found = found | (tokens == end).any(dim=1)
    return found
