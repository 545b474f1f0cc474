"""What rules say becomes findings, with ids that last and an order that puts the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from rldk_tui.diagnosis.rule import ConfigRule, Episode, NamedRule, StateRule, StateVerdict, Telling
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


_TOGETHER = 3
"""Rules that want the same thing logged, from which on it is said once for all of them."""


def told_together(silent: Iterable[NotEvaluated]) -> list[tuple[tuple[str, ...], str]]:
    """Rules that lack data, with what to do: many that want the same are one item, the others say what each is missing."""
    lacking = [one for one in silent if one.applicable]
    wanted = Counter(one.how for one in lacking)
    told: dict[tuple[str, str], list[str]] = {}
    for one in lacking:
        if one.how is not None and wanted[one.how] >= _TOGETHER:
            told.setdefault(("", one.how), []).append(one.rule)
        else:
            told.setdefault((one.rule, one.reason + (f"; {one.how}" if one.how else "")), []).append(one.rule)
    return [(tuple(rules), sentence) for (_, sentence), rules in told.items()]


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


def episode_finding(
    rule: NamedRule, episode: Episode, telling: Telling, evidence: Evidence, about: tuple[str, ...] = ()
) -> Finding:
    """The finding of one episode; `about` names the samples or tensors it is about."""
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
        evidence=replace(evidence, rows=about),
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


def config_finding(rule: NamedRule, verdict: StateVerdict, since: int, until: int, *, over: bool) -> Finding:
    """The finding of how a launch was set up, from its first step to the last heard of."""
    return Finding(
        id=f"{rule.id}:config:{since}",
        rule=rule.id,
        severity=verdict.severity,
        metric=None,
        first_step=since,
        last_step=max(since, until),
        detected_step=since,
        open=not over,
        summary=verdict.telling.summary,
        cause=verdict.telling.cause,
        advice=verdict.telling.advice,
    )


def why_silent(named: NamedRule, snapshot: RunSnapshot, names: tuple[str, ...]) -> NotEvaluated | None:
    """Why a rule cannot speak of this run; None if it can."""
    rule = named.rule
    unfit = rule.applies(snapshot.info)
    if unfit is not None:
        return NotEvaluated(named.id, unfit, None, applicable=False)
    if named.muted is not None:
        return NotEvaluated(named.id, named.muted, f"take mute out of [rules.{named.id}]", applicable=True)
    if isinstance(rule, StateRule):
        reason = rule.evaluable(snapshot)
        return None if reason is None else NotEvaluated(named.id, reason, None, applicable=True)
    if isinstance(rule, ConfigRule):
        if any(name in snapshot.info.config for name in rule.settings):
            return None
        wanted = f"the setting {' or '.join(rule.settings)} is not known"
        return NotEvaluated(named.id, wanted, "add RLDKCallback to the trainer, which records the config", applicable=True)
    if rule.scopes(rule.reads, names):
        return None
    missing = [name for name in rule.reads if name not in names]
    how = next((lookup(name).to_log for name in missing if lookup(name).to_log), None)
    wanted = " or ".join(missing or rule.reads) or "any metric"
    algorithm = snapshot.info.algorithm
    if rule.reads and not any(lookup(name).possible_in(algorithm) for name in rule.reads):
        return NotEvaluated(named.id, f"this trainer never has {wanted}", None, applicable=False)
    return NotEvaluated(named.id, f"{wanted} is not logged", how, applicable=True)
