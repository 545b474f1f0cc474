"""Runs every rule over what is new in a snapshot.

A walk is one rule over one scope through all launches. It keeps, frozen, where it got to in the settled rows; the newest
row, which may still get values, is judged on trial on top of that each time. So a poll costs what is new, and the answer
does not depend on how the log was cut into polls. If a settled row changed after all, or the facts of a launch did, the
walks begin again: late knowledge gives the same answer as early knowledge.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from rldk_tui.diagnosis.catalogue import load_rules
from rldk_tui.diagnosis.episodes import Track, follow
from rldk_tui.diagnosis.evidence import evidence_of
from rldk_tui.diagnosis.rule import Context, Episode, NamedRule, RowRule, StateRule
from rldk_tui.events import Evidence, Finding
from rldk_tui.metrics import lookup
from rldk_tui.run import Rows, RunInfo, RunSnapshot, Segment


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


@dataclass(frozen=True, slots=True)
class _Walk:
    """How far a walk has come: `launch` whole launches and `row` settled rows of the next."""

    track: Track
    past: Any
    launch: int = 0
    row: int = 0


class Engine:
    """Diagnoses one run, snapshot after snapshot."""

    def __init__(self, rules: Iterable[NamedRule] | None = None) -> None:
        self._rules = tuple(load_rules() if rules is None else rules)
        self._walks: dict[tuple[str, str], _Walk] = {}
        self._ground: tuple[object, ...] = ()

    def diagnose(self, snapshot: RunSnapshot) -> Diagnosis:
        """What every rule says of the run as it stands in the snapshot."""
        ground = tuple((segment.key, segment.revision, segment.info) for segment in snapshot.segments)
        if ground[: len(self._ground)] != self._ground:
            self._walks.clear()
        self._ground = ground
        names = snapshot.metric_names()
        findings: list[Finding] = []
        evaluated: list[str] = []
        silent: list[NotEvaluated] = []
        failures: list[RuleFailure] = []
        for named in self._rules:
            reason = _why_silent(named, snapshot, names)
            if reason is not None:
                silent.append(reason)
                continue
            evaluated.append(named.id)
            for scope in _scopes(named, names):
                try:
                    findings.extend(self._findings(named, scope, snapshot))
                except Exception as failure:  # noqa: BLE001 - the border: one broken rule must not silence the others
                    failures.append(RuleFailure(named.id, scope, f"{type(failure).__name__}: {failure}"))
        findings.sort(key=_worst_first)
        return Diagnosis(tuple(_unique(findings)), tuple(evaluated), tuple(silent), tuple(failures))

    def _findings(self, named: NamedRule, scope: str | None, snapshot: RunSnapshot) -> list[Finding]:
        if isinstance(named.rule, StateRule):
            return _state_findings(named, snapshot)
        assert scope is not None  # noqa: S101 - `_scopes` gives None to state rules alone
        walk = self._walks.get((named.id, scope)) or _Walk(Track(), named.rule.fresh)
        settled, now = _walk_on(walk, named.rule, scope, snapshot.segments)
        self._walks[named.id, scope] = settled
        return [_finding(named, named.rule, episode, snapshot) for episode in now.episodes()]


def _scopes(named: NamedRule, names: tuple[str, ...]) -> tuple[str | None, ...]:
    return (None,) if isinstance(named.rule, StateRule) else named.rule.scopes(named.rule.reads, names)


def _walk_on(walk: _Walk, rule: RowRule[Any], scope: str, segments: tuple[Segment, ...]) -> tuple[_Walk, Track]:
    """The walk through the settled rows, and the track with the newest rows on trial."""
    for index in range(walk.launch, len(segments)):
        segment = segments[index]
        if index > walk.launch:
            walk = _Walk(walk.track.at_relaunch(), rule.fresh, index, 0)
        track, past = _step(walk.track, walk.past, rule, scope, segment.info, segment.rows[walk.row : segment.settled])
        walk = replace(walk, track=track, past=past, row=segment.settled)
    if not segments:
        return walk, walk.track
    newest = segments[-1]
    trial, _ = _step(walk.track, walk.past, rule, scope, newest.info, newest.rows[newest.settled :])
    return walk, trial


def _step(track: Track, past: Any, rule: RowRule[Any], scope: str, info: RunInfo, rows: Rows) -> tuple[Track, Any]:
    if not len(rows):
        return track, past
    verdict = rule.watch(rows, past, Context(info, scope))
    return follow(track, rows.steps[verdict.at], verdict, rule, scope), verdict.past


def _finding(named: NamedRule, rule: RowRule[Any], episode: Episode, snapshot: RunSnapshot) -> Finding:
    telling = rule.tell(episode, snapshot.info)
    return Finding(
        id=f"{named.id}:{episode.scope}:{episode.first_step}",
        rule=named.id,
        severity=episode.severity,
        metric=episode.scope,
        first_step=episode.first_step,
        last_step=episode.last_step,
        detected_step=episode.detected_step,
        open=episode.open,
        summary=telling.summary,
        evidence=evidence_of(episode, snapshot),
        cause=telling.cause,
        advice=telling.advice,
    )


def _state_findings(named: NamedRule, snapshot: RunSnapshot) -> list[Finding]:
    assert isinstance(named.rule, StateRule)  # noqa: S101 - the caller looked
    verdict = named.rule.judge(snapshot)
    if verdict is None:
        return []
    return [
        Finding(
            id=f"{named.id}:run:{verdict.step}",
            rule=named.id,
            severity=verdict.severity,
            metric=None,
            first_step=verdict.step,
            last_step=verdict.step,
            detected_step=verdict.step,
            open=True,
            summary=verdict.telling.summary,
            evidence=Evidence(),
            cause=verdict.telling.cause,
            advice=verdict.telling.advice,
        )
    ]


def _why_silent(named: NamedRule, snapshot: RunSnapshot, names: tuple[str, ...]) -> NotEvaluated | None:
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


def _worst_first(finding: Finding) -> tuple[int, int, int, str]:
    return (-finding.severity.rank, not finding.open, finding.first_step, finding.id)


def _unique(findings: list[Finding]) -> Iterable[Finding]:
    """A relaunch may repeat an episode's first step: its finding is told apart by a count."""
    seen: dict[str, int] = {}
    for finding in findings:
        count = seen[finding.id] = seen.get(finding.id, 0) + 1
        yield finding if count == 1 else _renamed(finding, f"{finding.id}#{count}")


def _renamed(finding: Finding, identity: str) -> Finding:
    from msgspec.structs import replace as with_changes

    return with_changes(finding, id=identity)
