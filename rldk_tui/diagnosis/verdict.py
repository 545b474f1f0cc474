"""A diagnosis as the score wants it."""

from __future__ import annotations

from collections.abc import Mapping

from rldk_tui.diagnosis.findings import Diagnosis
from rldk_tui.diagnosis.rule import BEYOND_LOGS, AnyRule
from rldk_tui.diagnosis.stories import corroborated
from rldk_tui.events import Finding
from rldk_tui.run import RunSnapshot
from rldk_tui.scoring import Evaluated, Judged, Score, score_of

_UNSURE = 0.7
"""How much of its penalty a finding keeps that compares the run with its own past and stands alone (catalogue)."""


def judge(diagnosis: Diagnosis, snapshot: RunSnapshot, rules: Mapping[str, AnyRule]) -> Score:
    """The health score of a run diagnosed by these rules."""
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
                confidence=_confidence(finding, diagnosis, rules),
            )
            for finding in diagnosis.findings
        ],
        [
            Evaluated(
                rule=rule_id,
                family=rule.family,
                ceiling=rule.ceiling,
                evaluated=rule_id in evaluated,
                beyond_logs=rule.needs in BEYOND_LOGS,
            )
            for rule_id, rule in rules.items()
            if rule_id not in out_of_scope
        ],
    )


def _confidence(finding: Finding, diagnosis: Diagnosis, rules: Mapping[str, AnyRule]) -> float:
    sure = not rules[finding.rule].adaptive or corroborated(finding, diagnosis.findings, rules)
    return 1.0 if sure else _UNSURE


def _steps(finding: Finding) -> int:
    return max(0, finding.last_step - finding.first_step) + 1
