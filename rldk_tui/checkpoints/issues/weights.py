"""What the weights of a checkpoint tell by themselves."""

from __future__ import annotations

from collections.abc import Iterator

from rldk_tui.checkpoints import words
from rldk_tui.checkpoints.issues.issue import Check, CheckpointIssue, Evidence, listed, measured, share, to
from rldk_tui.checkpoints.limits import LORA_ZERO_MOST, LORA_ZERO_STEPS, TIED_DIFFERENCE
from rldk_tui.checkpoints.roles import ADAPTERS
from rldk_tui.events import Severity
from rldk_tui.scoring import Family

NONFINITE, LORA, TIED = "checkpoint/nonfinite_tensors", "checkpoint/lora_b_zero", "checkpoint/tied_mismatch"


def _nonfinite(evidence: Evidence) -> Iterator[CheckpointIssue]:
    figure = evidence.figures[NONFINITE]
    if figure.value > 0:
        numbers = sum(one.nonfinite for one in evidence.tensors if one.is_weight)
        count = "1 number is" if numbers == 1 else f"{numbers:,} numbers are"
        yield CheckpointIssue(
            rule="ckpt-nonfinite",
            severity=Severity.CRITICAL,
            message=f"It holds {words.not_finite(figure.value)}: {count} NaN or infinite{listed(figure.about)}.",
            tensors=figure.about,
            advice=(
                to("Resume from the newest checkpoint before this one that is finite."),
                to(words.DELETE_IT),
            ),
        )


def _lora(evidence: Evidence) -> Iterator[CheckpointIssue]:
    figure = evidence.figures[LORA]
    if evidence.step is not None and evidence.step <= LORA_ZERO_STEPS:
        return
    every = figure.value >= 1.0
    if every or figure.value > LORA_ZERO_MOST:
        what = "all LoRA modules" if every else f"{share(figure.value)} of the LoRA modules"
        yield CheckpointIssue(
            rule="lora-b-zero",
            severity=Severity.CRITICAL if every else Severity.WARNING,
            message=f"The B matrices of {what} are exactly zero, as before training{listed(figure.about)}.",
            tensors=figure.about,
            advice=(
                to(words.LOAD_AS_TRAINABLE),
                to(words.SAVE_THE_ACTIVE),
            ),
        )


def _tied(evidence: Evidence) -> Iterator[CheckpointIssue]:
    figure = evidence.figures[TIED]
    if figure.value > TIED_DIFFERENCE:
        yield CheckpointIssue(
            rule="ckpt-tied-embedding-broken",
            severity=Severity.HIGH,
            message=f"It holds {words.embeddings_differ(share(figure.value))}: loading keeps only one of them"
            f"{listed(figure.about)}.",
            tensors=figure.about,
            advice=(
                to(words.TIE),
                to(words.UNTIE),
            ),
        )


CHECKS = (
    Check(
        rule="ckpt-nonfinite",
        family=Family.CHECKPOINT,
        ceiling=Severity.CRITICAL,
        evaluable=measured(NONFINITE),
        judge=_nonfinite,
    ),
    Check(
        rule="lora-b-zero",
        family=Family.CHECKPOINT,
        ceiling=Severity.CRITICAL,
        evaluable=measured(LORA),
        judge=_lora,
        applies=lambda evidence: any(one.place.role in ADAPTERS for one in evidence.tensors),
    ),
    Check(
        rule="ckpt-tied-embedding-broken",
        family=Family.CHECKPOINT,
        ceiling=Severity.HIGH,
        evaluable=measured(TIED),
        judge=_tied,
        applies=measured(TIED),
    ),
)
