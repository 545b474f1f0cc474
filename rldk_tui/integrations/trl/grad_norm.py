"""Norms of the gradients before they are clipped, of the steps that no log shows.

A trainer logs the norm of the last step before the log alone, and TRL's PPO none.
"""

from __future__ import annotations

import math
from typing import Any

from rldk_tui.events import Algorithm, Phase
from rldk_tui.integrations.trl.not_measured import tell_unmeasured
from rldk_tui.integrations.trl.optimizer_steps import Clipping, InnerSteps
from rldk_tui.integrations.trl.part import Part, Training
from rldk_tui.integrations.trl.weights import Named, Tensor, gradients_of, norms, weights_of

_MOST_KEPT = 256
"""Norms kept on the device between two logs; beyond them only the largest is."""
_PEAK, _POLICY, _VALUE = "hook/grad_norm_peak", "hook/policy_grad_norm", "hook/value_grad_norm"


class GradientNorms(Part):
    """Measures `hook/grad_norm_peak`: the largest norm since the last log, where there were several steps.

    It needs the attached trainer, whose clipping it watches; the norm is the trainer's own and is read at the log only.
    """

    task = "measure gradient norms between logs"

    def __init__(self) -> None:
        self._norms: list[tuple[int, Any]] = []
        self._clipping: Clipping | None = None
        self._unseen = False

    def begin(self, training: Training) -> None:
        """Watch the clipping."""
        self._training = training
        watching = training.is_main and training.algorithm is not Algorithm.PPO and training.trainer is not None
        self.idle = not watching
        if watching:
            self._clipping = Clipping(training, self.task, after=self._clipped)

    def _clipped(self, norm: Any) -> None:
        if norm is None or hasattr(norm, "to_local"):  # one that is spread over processes cannot be read by one alone
            self._unseen = True
            return
        self._norms.append((self._training.state.global_step + 1, norm))
        if len(self._norms) > _MOST_KEPT:
            self._norms = [self._largest()]

    def step_end(self, step: int) -> None:
        """Where a log is due, the peak goes with the step's own line."""
        args, state = self._training.args, self._training.state
        steps = getattr(state, "logging_steps", None)
        if self._norms and steps and getattr(args, "logging_strategy", None) == "steps" and step % steps == 0:
            self._measure()

    def logged(self, step: int, phase: Phase, _values: dict[str, float | None]) -> None:
        """Any other log of a step of training."""
        if self._unseen:
            self._unseen = False
            tell_unmeasured(self._training, _PEAK, "the trainer's clipping returns no norm, or one spread over processes")
        if phase is Phase.TRAIN and self._norms and self._measure():
            self._training.recorder.flush(step)

    def ended(self, step: int) -> None:  # noqa: ARG002
        """Nothing is to be seen after the loop."""
        self.close()

    def close(self) -> None:
        """Give the clipping back."""
        if self._clipping is not None:
            self._clipping.close()
        self._norms = []

    def _measure(self) -> bool:
        """Whether there was anything that the log does not tell: of a single step it logs the norm itself."""
        several = len(self._norms) > 1
        if several:
            step, peak = self._largest()
            self._training.recorder.measure({_PEAK: peak}, {_PEAK: (f"step {step}",)})
        self._norms = []
        return several

    def _largest(self) -> tuple[int, float]:
        """The first that is not finite, else the largest; the device is waited for once."""
        steps, kept = [step for step, _ in self._norms], [norm for _, norm in self._norms]
        if all(isinstance(norm, float) for norm in kept):
            values = kept
        else:
            import torch

            values = torch.stack(
                [torch.as_tensor(norm).detach().float().reshape(()).to(kept[-1].device) for norm in kept]
            ).tolist()
        found = list(zip(steps, values, strict=True))
        return next((one for one in found if not math.isfinite(one[1])), max(found, key=lambda one: one[1]))


class NetworkNorms(Part):
    """Measures PPO's `hook/policy_grad_norm` and `hook/value_grad_norm`: the mean over the optimizer steps of an update.

    `hook/grad_norm_peak` is the largest norm of both networks together in the update.
    """

    task = "measure the gradient norms of PPO's networks"

    def __init__(self) -> None:
        self._networks: tuple[tuple[Named, ...], ...] = ()
        self._sizes: list[Tensor] = []
        self._inner_steps: InnerSteps | None = None

    def begin(self, training: Training) -> None:
        """Find the two networks and their optimizer's steps."""
        self._training = training
        self.idle = training.algorithm is not Algorithm.PPO or not training.is_main
        if self.idle:
            return
        networks = [getattr(training.model, name, None) for name in ("policy", "value_model")]
        if None in networks:
            tell_unmeasured(training, _POLICY, "the model is not made of a policy and a value_model")
            return
        self._networks = tuple(weights_of(network) for network in networks)
        self._inner_steps = InnerSteps(training, self)

    def before_optimizer(self, step: int) -> None:  # noqa: ARG002
        """The gradients of one of PPO's minibatches, which it never clips; other loops have no two networks."""
        import torch

        both = [gradients_of(network) for network in self._networks]
        if both and all(both):
            self._sizes.append(torch.stack([norms(gradients).norm() for gradients in both]))

    def step_end(self, step: int) -> None:  # noqa: ARG002
        """An update ended."""
        if not self._sizes:
            return
        import torch

        sizes, self._sizes = torch.stack(self._sizes), []
        policy, value, peak = torch.cat([sizes.mean(0), sizes.norm(dim=1).max()[None]]).tolist()
        self._training.recorder.measure({_POLICY: policy, _VALUE: value, _PEAK: peak})

    def ended(self, step: int) -> None:  # noqa: ARG002
        """Nothing is to be seen after the loop."""
        self.close()

    def close(self) -> None:
        """Watch no longer."""
        if self._inner_steps is not None:
            self._inner_steps.close()
        self._sizes, self._networks = [], ()
