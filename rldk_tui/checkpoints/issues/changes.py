"""What the change since the checkpoint before, and since the run's beginning, tells."""

from __future__ import annotations

from collections.abc import Iterator

from rldk_tui.checkpoints import limits, words
from rldk_tui.checkpoints.issues.issue import Check, CheckpointIssue, Evidence, listed, measured, share, to
from rldk_tui.events import Advice, Severity
from rldk_tui.scoring import Family

LARGEST, SINCE = "checkpoint/largest_change", "checkpoint/steps_since"
OUTLIER, Z = "checkpoint/change_outlier", "checkpoint/change_outlier_z"
DEAD = "checkpoint/newly_dead_rows"
GROWTH, RANK = "checkpoint/spectral_growth", "checkpoint/stable_rank_kept"
DRIFT, FLIPS = "checkpoint/gain_drift", "checkpoint/gain_sign_flips"


def _slower(evidence: Evidence) -> Advice:
    rate = evidence.setting("learning_rate")
    return to("Lower the learning rate", "learning_rate", None if rate is None else f"{rate / 3:.2g}", rate)


def _unchanged(evidence: Evidence) -> Iterator[CheckpointIssue]:
    change = evidence.figures[LARGEST].value
    since = evidence.figures[SINCE].value if SINCE in evidence.figures else 1.0
    most = f"no tensor moved by more than {change:.2g} of itself (limit {limits.UNCHANGED:g})"
    moved = "not one number differs" if change == 0 else most
    rate = None if evidence.training is None else evidence.training.learning_rate
    if change < limits.UNCHANGED and since >= 1 and rate != 0:
        yield CheckpointIssue(
            rule="ckpt-unchanged",
            severity=Severity.CRITICAL,
            message=f"The weights are those of the checkpoint before, {since:.0f} steps earlier: {moved}.",
            advice=(
                to(words.COUNT_TRAINABLE),
                to(words.SAVE_THE_TRAINED),
            ),
        )


def _jump(evidence: Evidence) -> Iterator[CheckpointIssue]:
    change, z = evidence.figures[OUTLIER], evidence.figures[Z].value
    if z > limits.JUMP_Z and change.value > limits.JUMP_WARNING:
        high = change.value > limits.JUMP_HIGH
        limit = limits.JUMP_HIGH if high else limits.JUMP_WARNING
        yield CheckpointIssue(
            rule="ckpt-weight-jump",
            severity=Severity.HIGH if high else Severity.WARNING,
            message=f"{words.jumped(share(change.value), share(limit), z)}{listed(change.about)}.",
            tensors=change.about,
            advice=(to(f"Compare these tensors with the checkpoint before: {words.MEANT_TO_CHANGE}"), _slower(evidence)),
        )


def _dead(evidence: Evidence) -> Iterator[CheckpointIssue]:
    figure = evidence.figures[DEAD]
    if figure.value > limits.DEAD_WARNING:
        high = figure.value > limits.DEAD_HIGH
        yield CheckpointIssue(
            rule="ckpt-dead-units",
            severity=Severity.HIGH if high else Severity.WARNING,
            message=f"{words.rows_died(share(figure.value))} since the beginning "
            f"(limit {share(limits.DEAD_HIGH if high else limits.DEAD_WARNING)}){listed(figure.about)}.",
            tensors=figure.about,
            advice=(to("Go back to the last checkpoint before they died."), _slower(evidence)),
        )


def _spectral(evidence: Evidence) -> Iterator[CheckpointIssue]:
    growth, rank = evidence.figures.get(GROWTH), evidence.figures.get(RANK)
    advice = (_slower(evidence), to(words.HOLD_DOWN, "weight_decay", "0.01", evidence.setting("weight_decay")))
    if growth is not None and growth.value > limits.SPECTRAL_GROWTH:
        yield CheckpointIssue(
            rule="ckpt-spectral",
            severity=Severity.WARNING,
            message=f"{words.grew(growth.value)} since the beginning (limit {limits.SPECTRAL_GROWTH:g}){listed(growth.about)}.",
            tensors=growth.about,
            advice=advice,
        )
    if rank is not None and rank.value < limits.STABLE_RANK_KEPT:
        yield CheckpointIssue(
            rule="ckpt-spectral",
            severity=Severity.WARNING,
            message=f"{words.kept_rank(share(rank.value))} since the beginning "
            f"(limit {share(limits.STABLE_RANK_KEPT)}){listed(rank.about)}.",
            tensors=rank.about,
            advice=advice,
        )


def _gains(evidence: Evidence) -> Iterator[CheckpointIssue]:
    drift, flips = evidence.figures[DRIFT], evidence.figures[FLIPS]
    advice = (_slower(evidence), to(words.LEAVE_NORMS_OUT))
    if drift.value > limits.GAIN_DRIFT:
        yield CheckpointIssue(
            rule="ckpt-norm-gain-drift",
            severity=Severity.WARNING,
            message=f"{words.gains_moved(share(drift.value))} in the median "
            f"(limit {share(limits.GAIN_DRIFT)}){listed(drift.about)}.",
            tensors=drift.about,
            advice=advice,
        )
    if flips.value > limits.GAIN_FLIPS:
        yield CheckpointIssue(
            rule="ckpt-norm-gain-drift",
            severity=Severity.WARNING,
            message=f"{words.gains_turned(share(flips.value))} (limit {share(limits.GAIN_FLIPS)}){listed(flips.about)}.",
            tensors=flips.about,
            advice=advice,
        )


CHECKS = tuple(
    Check(rule=rule, family=Family.CHECKPOINT, ceiling=ceiling, evaluable=measured(figure), judge=judge)
    for rule, ceiling, figure, judge in (
        ("ckpt-unchanged", Severity.CRITICAL, LARGEST, _unchanged),
        ("ckpt-weight-jump", Severity.HIGH, OUTLIER, _jump),
        ("ckpt-dead-units", Severity.HIGH, DEAD, _dead),
        ("ckpt-spectral", Severity.WARNING, GROWTH, _spectral),
        ("ckpt-norm-gain-drift", Severity.WARNING, DRIFT, _gains),
    )
)
