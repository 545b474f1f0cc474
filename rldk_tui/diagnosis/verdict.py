"""A diagnosis as the score wants it."""

from __future__ import annotations

from rldk_tui.diagnosis.catalogue import load_rules
from rldk_tui.diagnosis.findings import Diagnosis
from rldk_tui.events import Finding
from rldk_tui.run import RunSnapshot
from rldk_tui.scoring import Evaluated, Judged, Score, score_of


def judge(diagnosis: Diagnosis, snapshot: RunSnapshot) -> Score:
    """The health score of a diagnosed run."""
    rules = {rule.id: rule.rule for rule in load_rules()}
    out_of_scope = {silent.rule for silent in diagnosis.not_evaluated if not silent.applicable}
    broken = {failure.rule for failure in diagnosis.failures}
    evaluated = set(diagnosis.evaluated) - broken
    begun = min((int(segment.rows.steps[0]) for segment in snapshot.segments if len(segment.rows)), default=0)
    length = max(1, (snapshot.step or 0) - begun + 1)
    return score_of(
        [
            Judged(
                id=finding.id,
                rule=finding.rule,
                family=rules[finding.rule].family,
                severity=finding.severity,
                open=finding.open,
                share=_steps(finding) / length,
            )
            for finding in diagnosis.findings
        ],
        [
            Evaluated(
                rule=rule_id,
                family=rule.family,
                ceiling=rule.ceiling,
                evaluated=rule_id in evaluated,
                beyond_logs=rule.beyond_logs,
            )
            for rule_id, rule in rules.items()
            if rule_id not in out_of_scope
        ],
    )


def _steps(finding: Finding) -> int:
    return max(0, finding.last_step - finding.first_step) + 1
