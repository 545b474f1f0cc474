"""What is wrong with a checkpoint: the checks, and the score that is made of what they found.

A module here is a group of checks over one kind of evidence. Where a check is a rule of a run as well (`diagnosis/rules/`),
both read the same figure and the same limit (`checkpoints/limits.py`).
"""

from __future__ import annotations

from collections.abc import Iterable

from rldk_tui.checkpoints.issues import changes, files, training, unusual, weights
from rldk_tui.checkpoints.issues.issue import Check, CheckpointIssue, Evidence
from rldk_tui.scoring import Evaluated, Family, Judged, Score, score_of

__all__ = ["CHECKS", "Check", "CheckpointIssue", "Evidence", "issues_of", "score_of_issues"]

CHECKS: tuple[Check, ...] = (*files.CHECKS, *weights.CHECKS, *changes.CHECKS, *unusual.CHECKS, *training.CHECKS)
_JUDGES_WEIGHTS = frozenset({Family.CHECKPOINT})


def issues_of(evidence: Evidence) -> tuple[CheckpointIssue, ...]:
    """Everything that is wrong, worst first."""
    found = [issue for check in CHECKS if _answers(check, evidence) for issue in check.judge(evidence)]
    return tuple(sorted(found, key=lambda issue: -issue.severity.rank))


def score_of_issues(issues: Iterable[CheckpointIssue], evidence: Evidence) -> Score:
    """The checkpoint's health: 0 where its weights are not finite, None where none of them could be read."""
    families = {check.rule: check.family for check in CHECKS}
    judged = [
        Judged(
            id=f"{issue.rule}:{number}",
            rule=issue.rule,
            family=families[issue.rule],
            severity=issue.severity,
            open=True,
            share=1.0,
        )
        for number, issue in enumerate(issues)
    ]
    asked = [
        Evaluated(
            rule=check.rule,
            family=check.family,
            ceiling=check.ceiling,
            evaluated=bool(evidence.tensors) and check.evaluable(evidence),
            beyond_logs=True,
        )
        for check in CHECKS
        if check.applies(evidence)
    ]
    return score_of(judged, asked, needed=_JUDGES_WEIGHTS)


def _answers(check: Check, evidence: Evidence) -> bool:
    return check.applies(evidence) and check.evaluable(evidence)
