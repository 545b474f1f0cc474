"""How a run was set up against what is usual, and what findings would have changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rldk_tui.events import Advice, Finding


def of_settings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those of rules over settings: risky whatever the run does."""
    return tuple(finding for finding in findings if ":config:" in finding.id)


def advised(findings: Iterable[Finding]) -> Mapping[str, tuple[Finding, Advice]]:
    """What open findings would have changed, by setting; the worst one's word counts."""
    changes: dict[str, tuple[Finding, Advice]] = {}
    for finding in findings:
        for advice in finding.advice:
            if finding.open and advice.parameter and advice.proposed:
                changes.setdefault(advice.parameter, (finding, advice))
    return changes
