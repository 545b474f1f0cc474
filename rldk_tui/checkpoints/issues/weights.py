"""What the weights of a checkpoint tell by themselves."""

from __future__ import annotations

from collections.abc import Iterator

from rldk_tui.checkpoints.issues.issue import Check, CheckpointIssue, Evidence, listed, measured, share, to
from rldk_tui.checkpoints.limits import LORA_ZERO_MOST, LORA_ZERO_STEPS, TIED_DIFFERENCE
from rldk_tui.checkpoints.roles import ADAPTERS
from rldk_tui.events import Severity
from rldk_tui.scoring import Family

NONFINITE, LORA, TIED = "checkpoint/nonfinite_tensors", "checkpoint/lora_b_zero", "checkpoint/tied_mismatch"


def _nonfinite(evidence: Evidence) -> Iterator[CheckpointIssue]:
    figure = evidence.figures[NONFINITE]
    if figure.value > 0:
        tensors = "1 tensor holds" if figure.value == 1 else f"{figure.value:.0f} tensors hold"
        numbers = sum(one.nonfinite for one in evidence.tensors if one.is_weight)
        yield CheckpointIssue(
            rule="ckpt-nonfinite",
            severity=Severity.CRITICAL,
            message=f"{tensors} numbers that are NaN or infinite: {numbers:,} in all{listed(figure.about)}.",
            tensors=figure.about,
            advice=(
                to("Resume from the newest checkpoint before this one that is finite."),
                to("Delete this checkpoint, so that nothing resumes from it."),
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
                to("Load the adapter with is_trainable=True, and count: model.print_trainable_parameters()."),
                to("See that the adapter that is saved is the active one: model.active_adapters."),
            ),
        )


def _tied(evidence: Evidence) -> Iterator[CheckpointIssue]:
    figure = evidence.figures[TIED]
    if figure.value > TIED_DIFFERENCE:
        yield CheckpointIssue(
            rule="ckpt-tied-embedding-broken",
            severity=Severity.HIGH,
            message=f"Input and output embeddings differ by {share(figure.value)}, although the config ties them: loading "
            f"keeps only one of them{listed(figure.about)}.",
            tensors=figure.about,
            advice=(
                to("If they are to be one: call model.tie_weights() before training, and start again from before they parted."),
                to("If they are to differ: set model.config.tie_word_embeddings = False, and save again."),
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
