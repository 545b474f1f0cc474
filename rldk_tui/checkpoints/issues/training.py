"""What the optimizer, the scheduler and the trainer's state tell."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rldk_tui.checkpoints import words
from rldk_tui.checkpoints.adam import BELOW, STEP
from rldk_tui.checkpoints.issues.issue import Check, CheckpointIssue, Evidence, listed, measured, share, to
from rldk_tui.checkpoints.limits import ADAM_BELOW, ADAM_STEP, RATE_OFF, RATE_WITHOUT_END
from rldk_tui.events import Severity
from rldk_tui.scoring import Family


def _adam(evidence: Evidence) -> Iterator[CheckpointIssue]:
    below, step = evidence.figures[BELOW], evidence.figures[STEP]
    epsilon = evidence.setting("adam_epsilon")
    if below.value > ADAM_BELOW:
        yield CheckpointIssue(
            rule="adam-epsilon-regime",
            severity=Severity.WARNING,
            message=f"{words.below_epsilon(share(below.value), epsilon)} "
            f"(limit {share(ADAM_BELOW)}): there the steps vanish{listed(below.about)}.",
            tensors=below.about,
            advice=(to(words.GRADIENTS_DECIDE, "adam_epsilon", "1e-15", epsilon),),
        )
    if step.value > ADAM_STEP:
        yield CheckpointIssue(
            rule="adam-epsilon-regime",
            severity=Severity.WARNING,
            message=f"{words.large_step(step.value, ADAM_STEP)}: a second moment was lost or rounded away{listed(step.about)}.",
            tensors=step.about,
            advice=(
                to(words.STATE_IN_FLOAT32),
                to(words.FOLLOW_FASTER, "adam_beta2", "0.95", evidence.setting("adam_beta2")),
            ),
        )


def _has_rate(evidence: Evidence) -> bool:
    return evidence.training is not None and evidence.training.learning_rate is not None


def _rate(evidence: Evidence) -> Iterator[CheckpointIssue]:
    """A rate that is no number, or that is off while the training goes on."""
    training = evidence.training
    rate = None if training is None else training.learning_rate
    if training is None or rate is None:
        return
    highest = evidence.setting("learning_rate")
    if not math.isfinite(rate) or rate < 0:
        yield CheckpointIssue(
            rule="learning-rate",
            severity=Severity.CRITICAL,
            message=f"The learning rate of the next step is {rate:g}.",
            advice=(to("Resume from an earlier checkpoint, and look at the schedule", "lr_scheduler_type"),),
        )
    elif _goes_on(evidence) and rate <= RATE_OFF * (highest or 0.0):
        yield CheckpointIssue(
            rule="learning-rate",
            severity=Severity.WARNING,
            message=f"The learning rate is {rate:.3g} and the training is not at its end: what follows learns nothing.",
            advice=(to("Let the schedule end where the training does", "max_steps"),),
        )


def _goes_on(evidence: Evidence) -> bool:
    """Whether much of the training is still to come after its warm-up; False if that is not known."""
    trainer = None if evidence.training is None else evidence.training.trainer
    if trainer is None or not trainer.max_steps or trainer.step is None:
        return False
    return RATE_WITHOUT_END < trainer.step / trainer.max_steps < 1.0 - RATE_WITHOUT_END


CHECKS = (
    Check(
        rule="adam-epsilon-regime",
        family=Family.OPTIMIZER,
        ceiling=Severity.WARNING,
        evaluable=measured(BELOW),
        judge=_adam,
        applies=lambda evidence: evidence.training is not None and evidence.training.optimizer is not None,
    ),
    Check(
        rule="learning-rate",
        family=Family.OPTIMIZER,
        ceiling=Severity.CRITICAL,
        evaluable=_has_rate,
        judge=_rate,
        applies=lambda evidence: evidence.training is not None,
    ),
)
