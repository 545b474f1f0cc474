"""What a reward model in training makes of its pairs: calibration, preference for length, the range of its scores.

The trainer averages the scores of a batch and forgets them. Attached, it shows what `compute_loss` returned: the scores of both
replies of each pair. Nothing is computed by the model for it, and nothing waits for the GPU before the trainer does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rldk_tui.events import Algorithm, Phase
from rldk_tui.integrations.trl.not_measured import tell_unmeasured
from rldk_tui.integrations.trl.part import Part, Training
from rldk_tui.integrations.trl.wrapping import Wrapping
from rldk_tui.statistics.pairs import PairScores, pair_scores

MOST_PAIRS = 2000
"""Pairs of one evaluation that are kept, the first ones: the interval of the calibration error then takes 0.1 s."""
LEAST_PAIRS = 20
_METRIC = "samples/rm_ece"
_ADVICE = "Call RLDKCallback.attach(trainer) before train(), and evaluate (eval_strategy)."


class RewardPairs(Part):
    """Measures `samples/rm_…` at each evaluation, on the pairs that the process which logs has scored.

    Where nothing is evaluated, the pairs of the first pass over the training data stand in, `MOST_PAIRS` at a time: the model
    scores each of them before it learns from it.
    """

    task = "measure the scores of the reward model's pairs"

    def __init__(self) -> None:
        self._wrapping = Wrapping()
        self._batches: list[tuple[Any, Any]] = []
        self._pairs = 0
        self._step: int | None = None
        self._training_pairs = False
        self._told = False

    def begin(self, training: Training) -> None:
        """Listen to the attached trainer."""
        self._training = training
        self.idle = training.algorithm is not Algorithm.REWARD or not training.is_main
        if self.idle:
            return
        compute = getattr(type(training.trainer), "compute_loss", None)
        self._training_pairs = not _evaluates(training.args) and getattr(compute, "__module__", "").startswith("trl.")
        if training.trainer is None:
            tell_unmeasured(training, _METRIC, "the callback does not know the trainer", _ADVICE)
        elif not self._wrapping.wrap(training.trainer, "compute_loss", self._listening):
            tell_unmeasured(training, _METRIC, "this trainer has no compute_loss")
        self.idle = training.trainer is None

    def _listening(self, compute: Callable[..., Any]) -> Callable[..., Any]:
        """`compute_loss` that remembers the scores; it returns and raises what the trainer's own does."""

        def listened(*arguments: Any, **named: Any) -> Any:
            asks = named.get("return_outputs", arguments[2] if len(arguments) > 2 else False)
            if not asks and len(arguments) == 2 and self._stands_in():
                result = compute(*arguments, **{**named, "return_outputs": True})
                self._training.border.attempt(self.task, self._keep, arguments[1], result)
                return result[0]
            result = compute(*arguments, **named)
            if asks and self._wrapping.active and not self._trains():
                self._training.border.attempt(self.task, self._keep, arguments[1], result)
            return result

        return listened

    def _trains(self) -> bool:
        return bool(getattr(getattr(self._training.trainer, "model", None), "training", False))

    def _stands_in(self) -> bool:
        """Whether this is a training batch that the model sees for the first time, and no evaluation will come."""
        epoch = getattr(self._training.state, "epoch", None)
        first = epoch is not None and epoch < 1.0
        return self._training_pairs and first and self._wrapping.active and self._trains()

    def _keep(self, inputs: Any, result: Any) -> None:
        """Hold on to a batch's scores and lengths, as tensors where they are."""
        if self._pairs >= MOST_PAIRS:
            return
        logits = getattr(result[1], "logits", None)
        if logits is None or logits.ndim not in (1, 2) or logits.numel() != logits.shape[0] or logits.shape[0] % 2:
            self._cannot("the model gives no single score a reply")
            return
        mask = inputs.get("attention_mask")
        lengths = mask.sum(-1) if mask is not None and tuple(mask.shape[:1]) == tuple(logits.shape[:1]) else None
        self._batches.append((logits.detach().reshape(-1).float().clone(), lengths))
        self._pairs += logits.shape[0] // 2

    def _cannot(self, why: str) -> None:
        if not self._told:
            self._told = True
            tell_unmeasured(self._training, _METRIC, why)

    def step_end(self, step: int) -> None:  # noqa: ARG002
        """Measure the training's pairs once there are enough, where nothing is evaluated."""
        if self._training_pairs and self._pairs >= MOST_PAIRS:
            self._measure()
            self._batches, self._pairs = [], 0

    def logged(self, step: int, phase: Phase, values: dict[str, float | None]) -> None:  # noqa: ARG002
        """Measure an evaluation's pairs. Where several sets are evaluated at one step, they count together."""
        if phase is not Phase.EVAL or self._training_pairs:
            return
        self._measure()
        self._training.recorder.flush(step)
        self._step = step

    def step_begin(self, step: int) -> None:  # noqa: ARG002
        """The pairs of the evaluation before are done with."""
        if self._step is not None:
            self._batches, self._pairs, self._step = [], 0, None

    def _measure(self) -> None:
        if self._pairs < LEAST_PAIRS:
            return
        halves: tuple[list[Any], ...] = ([], [], [], [])
        for scores, lengths in self._batches:
            given = scores.cpu().double().numpy()
            long = np.full(given.size, math.nan) if lengths is None else lengths.cpu().double().numpy()
            middle = given.size // 2
            for kept, part in zip(halves, (given[:middle], given[middle:], long[:middle], long[middle:]), strict=True):
                kept.append(part)
        self._training.recorder.measure(columns(pair_scores(*(np.concatenate(half) for half in halves))))

    def ended(self, step: int) -> None:
        """What the training's pairs tell at last, however few."""
        if self._training_pairs:
            self._measure()
            self._training.recorder.flush(step)
        self.close()

    def close(self) -> None:
        """Put the trainer's method back."""
        self._wrapping.undo()
        self._batches, self._pairs = [], 0


def columns(scores: PairScores) -> dict[str, float | None]:
    """By name in the catalogue; what is not measured is left out."""
    values = {
        "rm_pairs": float(scores.pairs),
        "rm_ece": scores.calibration.error,
        "rm_ece_low": scores.calibration.low,
        "rm_overconfidence": scores.calibration.overconfidence,
        "rm_brier": scores.calibration.brier,
        "rm_length_bias": scores.length_bias.rho,
        "rm_length_bias_low": scores.length_bias.low,
        "rm_far_apart": scores.far_apart,
        "rm_label_noise": scores.label_noise,
        "rm_score_low": scores.lowest,
        "rm_score_high": scores.highest,
    }
    return {f"samples/{name}": value for name, value in values.items() if math.isfinite(value)}


def _evaluates(args: Any) -> bool:
    strategy = getattr(args, "eval_strategy", "no")
    return str(getattr(strategy, "value", strategy)) != "no"
