"""What is missing of a checkpoint, and what of it could not be read."""

from __future__ import annotations

from collections.abc import Iterator

from rldk_tui.checkpoints.file_problem import FileProblem
from rldk_tui.checkpoints.issues.issue import Check, CheckpointIssue, Evidence, to
from rldk_tui.events import Severity
from rldk_tui.scoring import Family

_MISSING = frozenset(
    {"missing-shard", "missing-tensor", "truncated", "empty-file", "trainer-state-missing", "no-weights", "parts-incomplete"}
)
"""Problems of a checkpoint that was not written to its end; all others are of files that are there and cannot be read."""
_REMARKS = frozenset({"convert-first", "unused-bytes", "torch-missing", "torch-too-old"})
"""Of these the checkpoint itself may be quite well."""
_CONTRADICTIONS = {
    "step-mismatch": Severity.HIGH,
    "optimizer-step-mismatch": Severity.HIGH,
    "optimizer-groups-mismatch": Severity.HIGH,
    "optimizer-moments-mismatch": Severity.HIGH,
    "scheduler-step-mismatch": Severity.WARNING,
    "learning-rate-mismatch": Severity.WARNING,
    "log-beyond-step": Severity.WARNING,
    "step-missing": Severity.WARNING,
    "step-beyond-end": Severity.INFO,
    "best-step-mismatch": Severity.INFO,
    "best-checkpoint-missing": Severity.INFO,
}
"""Problems between the files of the training's state: resuming goes on with a mixture."""
_OF_THE_TRAINING = ("optimizer", "scheduler", "trainer_state", "rng_state", "training_args", "config", "adapter_config")


def _incomplete(evidence: Evidence) -> Iterator[CheckpointIssue]:
    for problem in evidence.problems:
        if problem.kind in _MISSING:
            yield _issue("ckpt-incomplete", Severity.HIGH, problem)
    if _only_weights(evidence):
        yield CheckpointIssue(
            rule="ckpt-incomplete",
            severity=Severity.INFO,
            message="It holds no optimizer: the weights can be used, and training cannot go on from here.",
            advice=(to("To be able to resume, save the optimizer too", "save_only_model", "False"),),
        )


def _only_weights(evidence: Evidence) -> bool:
    """Of a trainer's checkpoint: weights and its state, and nothing to resume from."""
    files = evidence.files
    parts = any(problem.kind == "convert-first" for problem in files.problems)
    if evidence.step is None:  # a model, which nothing is resumed from
        return False
    return files.trainer_state is not None and files.optimizer is None and bool(files.tensors) and not parts


def _unreadable(evidence: Evidence) -> Iterator[CheckpointIssue]:
    for problem in evidence.problems:
        if problem.kind not in _MISSING and problem.kind not in _CONTRADICTIONS:
            yield _issue("ckpt-unreadable", _severity(problem), problem)


def _contradictory(evidence: Evidence) -> Iterator[CheckpointIssue]:
    for problem in evidence.problems:
        if problem.kind in _CONTRADICTIONS:
            yield _issue("training-state", _CONTRADICTIONS[problem.kind], problem)


def _severity(problem: FileProblem) -> Severity:
    if problem.kind in _REMARKS:
        return Severity.INFO
    return Severity.WARNING if problem.source.startswith(_OF_THE_TRAINING) else Severity.HIGH


def _issue(rule: str, severity: Severity, problem: FileProblem) -> CheckpointIssue:
    return CheckpointIssue(
        rule=rule,
        severity=severity,
        message=f"{problem.source}: {problem.message}",
        tensors=() if problem.tensor is None else (problem.tensor,),
        advice=(to(problem.advice),) if problem.advice else (),
    )


CHECKS = tuple(
    Check(rule=rule, family=Family.CHECKPOINT, ceiling=Severity.HIGH, evaluable=lambda _: True, judge=judge)
    for rule, judge in (
        ("ckpt-incomplete", _incomplete),
        ("ckpt-unreadable", _unreadable),
        ("training-state", _contradictory),
    )
)
