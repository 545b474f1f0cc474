"""What rules say becomes findings, with ids that last and an order that puts the worst first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from rldk_tui.diagnosis.rule import Episode, NamedRule, StateRule, StateVerdict, Telling
from rldk_tui.events import Evidence, Finding
from rldk_tui.metrics import lookup
from rldk_tui.run import RunSnapshot


@dataclass(frozen=True, slots=True)
class NotEvaluated:
    """A rule that says nothing of this run. `applicable` tells missing data from a rule that is not for this run."""

    rule: str
    reason: str
    how: str | None
    applicable: bool


@dataclass(frozen=True, slots=True)
class RuleFailure:
    """A rule that raised; the others still ran."""

    rule: str
    scope: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the rules say, worst finding first."""

    findings: tuple[Finding, ...]
    evaluated: tuple[str, ...]
    not_evaluated: tuple[NotEvaluated, ...]
    failures: tuple[RuleFailure, ...]


def episode_finding(rule: NamedRule, episode: Episode, telling: Telling, evidence: Evidence) -> Finding:
    """The finding of one episode."""
    return Finding(
        id=f"{rule.id}:{episode.scope}:{episode.first_step}",
        rule=rule.id,
        severity=episode.severity,
        metric=episode.scope,
        first_step=episode.first_step,
        last_step=episode.last_step,
        detected_step=episode.detected_step,
        open=episode.open,
        summary=telling.summary,
        evidence=evidence,
        cause=telling.cause,
        advice=telling.advice,
    )


def state_finding(rule: NamedRule, verdict: StateVerdict) -> Finding:
    """The finding of what the run is doing now."""
    return Finding(
        id=f"{rule.id}:run:{verdict.step}",
        rule=rule.id,
        severity=verdict.severity,
        metric=None,
        first_step=verdict.step,
        last_step=verdict.step,
        detected_step=verdict.step,
        open=True,
        summary=verdict.telling.summary,
        cause=verdict.telling.cause,
        advice=verdict.telling.advice,
    )


def why_silent(named: NamedRule, snapshot: RunSnapshot, names: tuple[str, ...]) -> NotEvaluated | None:
    """Why a rule cannot speak of this run; None if it can."""
    rule = named.rule
    if isinstance(rule, StateRule):
        reason = rule.evaluable(snapshot)
        return None if reason is None else NotEvaluated(named.id, reason, None, applicable=True)
    unfit = rule.applies(snapshot.info)
    if unfit is not None:
        return NotEvaluated(named.id, unfit, None, applicable=False)
    if rule.scopes(rule.reads, names):
        return None
    how = next((lookup(name).to_log for name in rule.reads if lookup(name).to_log), None)
    wanted = " or ".join(rule.reads) or "any metric"
    return NotEvaluated(named.id, f"{wanted} is not logged", how, applicable=True)


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sorted, and each with an id of its own: a relaunch may repeat an episode's first step. Given in order of launches."""
    return tuple(sorted(_unique(findings), key=_rank))


def _rank(finding: Finding) -> tuple[int, bool, int, str]:
    return (-finding.severity.rank, not finding.open, finding.first_step, finding.id)


def _unique(findings: Iterable[Finding]) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for finding in findings:
        count = seen[finding.id] = seen.get(finding.id, 0) + 1
        yield finding if count == 1 else replace(finding, id=f"{finding.id}#{count}")
