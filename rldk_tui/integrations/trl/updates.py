"""How far a step moves the weights, on a small fixed sample of them.

Up to 16 tensors spread over the model, of each up to 8,192 numbers at even distances: half a megabyte, taken before the
optimizer's step and compared after it, in every fifth step.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Any

from rldk_tui.integrations.trl.not_measured import tell_unmeasured
from rldk_tui.integrations.trl.optimizer_steps import InnerSteps
from rldk_tui.integrations.trl.part import Part, Training
from rldk_tui.integrations.trl.weights import Named, Tensor, plain, weights_of

_EVERY = 5
_TENSORS = 16
_NUMBERS = 8192


@dataclass(frozen=True, slots=True)
class _Before:
    """The sample as it was before a step; `moving` says which weights have a gradient that is not zero."""

    step: int
    values: tuple[Tensor, ...]
    moving: tuple[Tensor, ...]
    on: bool


class Updates(Part):
    """Measures `hook/update_ratio` and `hook/lost_updates` every `5 * log_interval` steps, in the process that logs.

    A weight was to move if its gradient is not zero and the learning rate is not; it was lost if it is the same to the last
    bit afterwards. A step that a loss scaler skips measures nothing.
    """

    task = "measure how far a step moves the weights"

    def __init__(self, log_interval: int) -> None:
        self._every = _EVERY * log_interval
        self._sampled: list[Named] = []
        self._before: _Before | None = None
        self._weights: list[Tensor] = []
        self._done: int | None = None
        self._inner_steps: InnerSteps | None = None

    def begin(self, training: Training) -> None:
        """Choose the sample."""
        self._training = training
        self.idle = not training.is_main
        if self.idle:
            return
        trained = [(name, weight) for name, weight in weights_of(training.model) if _usable(weight)]
        spacing = max(1, -(-len(trained) // _TENSORS))
        self._sampled = trained[spacing // 2 :: spacing]
        if trained:
            self._inner_steps = InnerSteps(training, self)
        else:
            tell_unmeasured(training, "hook/update_ratio", "this process holds no weight that trains")

    def before_optimizer(self, step: int) -> None:
        """Take the sample; in PPO once for each of its updates."""
        if not self._sampled or step % self._every or self._done == step:
            return
        with_gradient = [weight for _, weight in self._sampled if weight.grad is not None and not weight.grad.is_sparse]
        if not with_gradient:
            return
        self._before = _Before(
            step=step,
            values=tuple(_sample(weight.detach()) for weight in with_gradient),
            moving=tuple(_sample(weight.grad) != 0 for weight in with_gradient),
            on=self._learning_rate() != 0.0,
        )
        self._weights = with_gradient

    def after_optimizer(self, step: int) -> None:
        """Compare."""
        before, self._before = self._before, None
        if before is None or before.step != step:
            return
        import torch

        self._done = step
        after = [_sample(weight.detach()) for weight in self._weights]
        moved = [(new.float() - old.float()).norm() for new, old in zip(after, before.values, strict=True)]
        sizes = [old.float().norm() for old in before.values]
        lost = [(moving & (new == old)).sum() for new, old, moving in zip(after, before.values, before.moving, strict=True)]
        asked = [moving.sum() for moving in before.moving]
        device = sizes[0].device
        table = torch.stack([torch.stack([number.to(device).float() for number in row]) for row in (moved, sizes, lost, asked)])
        self._measure(before.on, *table.tolist())

    def ended(self, step: int) -> None:  # noqa: ARG002
        """Nothing is to be seen after the loop."""
        self.close()

    def close(self) -> None:
        """Let go of the weights."""
        if self._inner_steps is not None:
            self._inner_steps.close()
        self._before, self._sampled, self._weights = None, [], []

    def _measure(self, on: bool, moved: list[float], sizes: list[float], lost: list[float], asked: list[float]) -> None:
        ratios = [step / size for step, size in zip(moved, sizes, strict=True) if size > 0]
        scaled = getattr(self._training.args, "fp16", False) is True
        if scaled and not any(moved):
            return  # the loss scaler skipped the step
        measured: dict[str, float | None] = {}
        if ratios and all(map(math.isfinite, ratios)):
            measured["hook/update_ratio"] = statistics.median(ratios)
        if on and sum(asked) > 0:
            measured["hook/lost_updates"] = sum(lost) / sum(asked)
        self._training.recorder.measure(measured)

    def _learning_rate(self) -> float:
        groups = getattr(self._training.optimizer, "param_groups", None) or ()
        return max((float(group.get("lr", 1.0)) for group in groups), default=1.0)


def _usable(weight: Any) -> bool:
    here = plain(weight.detach())
    return bool(weight.requires_grad and here.is_floating_point() and here.numel() and not here.is_meta)


def _sample(tensor: Any) -> Any:
    """A copy of some of a tensor's numbers, always the same ones; the odd distance meets every column of a matrix."""
    flat = plain(tensor).reshape(-1)
    return flat[:: max(1, -(-flat.numel() // _NUMBERS)) | 1].clone()
