"""Gradients and weights that are not finite, which no log shows: the norm that is logged is one step's of many.

Every step costs one norm over all gradients and one number read from the device; with the trainer attached a second norm,
taken before clipping, because clipping by a NaN norm makes every gradient NaN and hides where it began.
"""

from __future__ import annotations

import math

from rldk_tui.events import Algorithm
from rldk_tui.integrations.trl.not_measured import tell_unmeasured
from rldk_tui.integrations.trl.optimizer_steps import Clipping, InnerSteps
from rldk_tui.integrations.trl.part import Part, Training
from rldk_tui.integrations.trl.weights import Named, Tensor, gradients_of, norms, not_finite, values_of, weights_of

_WEIGHTS_EVERY = 10
"""Measurements of gradients to one of all weights: weights that broke stay broken."""
_MOST_NAMED = 8


class Finiteness(Part):
    """Measures `hook/nonfinite_gradients` in every step and `hook/nonfinite_parameters` now and then, on every rank.

    Counts of zero are written every `log_interval` steps and right after an alarm, by the first rank alone; an alarm at once.
    """

    task = "look for gradients that are not finite"

    def __init__(self, log_interval: int) -> None:
        self._interval = log_interval
        self._weights: tuple[Named, ...] = ()
        self._unclipped: tuple[list[str], Tensor] | None = None
        self._watches: list[Clipping | InnerSteps] = []
        self._alarm = 0
        self._look_after = 0
        self._looked: int | None = None
        self._told: set[str] = set()

    def begin(self, training: Training) -> None:
        """Look at the weights as they are loaded, and find the moments to look at gradients."""
        self._training = training
        self._weights = weights_of(training.model)
        self._watches = [Clipping(training, self.task, before=self._before_clipping), InnerSteps(training, self)]
        self._measure_weights(training.state.global_step, self._broken_weights())

    def _before_clipping(self) -> None:
        gradients = gradients_of(self._weights)
        self._unclipped = ([name for name, _ in gradients], norms(gradients)) if gradients else None

    def before_optimizer(self, step: int) -> None:
        """Gradients as the optimizer takes them."""
        gradients = gradients_of(self._weights)
        if not gradients:
            self._tell_blind()
            return
        if math.isfinite(norms(gradients).sum().item()):
            self._clean(step)
            return
        broken = not_finite(gradients)
        if broken:
            self._broken(step, broken, len(gradients))
        else:  # their squares alone are too large
            self._clean(step)

    def after_optimizer(self, step: int) -> None:
        """The weights, when their gradients were not finite, and now and then."""
        due = self._look_after == step or step % (self._interval * _WEIGHTS_EVERY) == 0
        if due and self._looked != step:
            self._measure_weights(step, self._broken_weights())

    def ended(self, step: int) -> None:  # noqa: ARG002
        """Nothing is to be seen after the loop."""
        self.close()

    def close(self) -> None:
        """Give back what was wrapped."""
        watches, self._watches = self._watches, []
        for watch in watches:
            watch.close()
        self._unclipped, self._weights = None, ()

    def _clean(self, step: int) -> None:
        """PPO makes several optimizer steps in one of its own: an earlier one that broke is not written over."""
        after_alarm = self._alarm == step - 1 and self._alarm > 0
        if self._alarm != step and self._training.is_main and (after_alarm or step % self._interval == 0):
            self._training.recorder.measure({"hook/nonfinite_gradients": 0.0})

    def _broken(self, step: int, broken: tuple[str, ...], looked_at: int) -> None:
        """Backwards through the model, as gradients are made: the first of them is where it began.

        Of an alarm that lasts only the first step is named: the weights have taken it by then.
        """
        lasts = self._alarm == step - 1 and self._alarm > 0
        if self._alarm == step:
            return
        self._alarm = step
        began = self._began()
        clips = self._training.algorithm is not Algorithm.PPO  # the others do even at no limit, and by a NaN norm
        if clips and began is None and len(broken) == looked_at > 1:
            self._tell_unnamed()
            named: tuple[str, ...] = ()
        else:
            broken = began or broken
            named = () if lasts else broken[::-1][:_MOST_NAMED]
        measured = {"hook/nonfinite_gradients": float(len(broken))}
        self._training.recorder.measure(measured, {"hook/nonfinite_gradients": named} if named else None)
        if lasts:
            return
        self._training.recorder.flush(step)  # the next sampling may end the process
        weights = self._broken_weights()
        if weights:  # they are why the gradients are not finite
            self._measure_weights(step, weights)
        else:
            self._look_after = step

    def _began(self) -> tuple[str, ...] | None:
        """Those that were not finite before clipping; None where that was not seen."""
        if self._unclipped is None:
            return None
        names, sizes = self._unclipped
        return tuple(name for name, size in zip(names, sizes.tolist(), strict=True) if not math.isfinite(size)) or None

    def _broken_weights(self) -> tuple[str, ...] | None:
        """Names of the weights that are not finite; None where this process holds none."""
        here = values_of(self._weights)
        if not here:
            return None
        return () if math.isfinite(norms(here).sum().item()) else not_finite(here)

    def _measure_weights(self, step: int, broken: tuple[str, ...] | None) -> None:
        self._looked = step
        if broken:
            named = {"hook/nonfinite_parameters": broken[:_MOST_NAMED]}
            self._training.recorder.measure({"hook/nonfinite_parameters": float(len(broken))}, named)
            self._training.recorder.flush(step)
        elif broken is not None and self._training.is_main:
            self._training.recorder.measure({"hook/nonfinite_parameters": 0.0})

    def _tell_unnamed(self) -> None:
        self._tell(
            "which gradient was not finite first cannot be told: clipping by a NaN norm makes all of them NaN",
            "call RLDKCallback.attach(trainer) before training",
        )

    def _tell_blind(self) -> None:
        self._tell("no gradient is at hand before the optimizer's step: DeepSpeed keeps them, or nothing is trained")

    def _tell(self, why: str, advice: str | None = None) -> None:
        if why not in self._told:
            self._told.add(why)
            tell_unmeasured(self._training, "hook/nonfinite_gradients", why, advice)
