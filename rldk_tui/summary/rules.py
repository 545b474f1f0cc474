"""The rules as lists: all of them, and what each could do with a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from rldk_tui.charts.format import count
from rldk_tui.charts.text import one_line
from rldk_tui.diagnosis.rule import ConfigRule, NamedRule, RowRule
from rldk_tui.diagnosis.settings.limits import limit_names
from rldk_tui.events import Json
from rldk_tui.session import RunHealth


def rule_lines(rules: Iterable[NamedRule]) -> Iterator[str]:
    """A line for each: id, where its evidence comes from, family, title."""
    rules = tuple(rules)
    width = max((len(rule.id) for rule in rules), default=0)
    for named in rules:
        muted = f" ({named.muted})" if named.muted else ""
        yield f"{named.id:{width}}  {named.rule.needs.value:10}  {named.rule.family.value:9}  {one_line(named.title)}{muted}"


def rules_object(rules: Iterable[NamedRule]) -> Json:
    """Everything about them that is no code."""
    return {"rules": [rule_object(rule) for rule in rules]}


def rule_object(named: NamedRule) -> dict[str, Json]:
    """One rule as it holds under the settings at hand."""
    rule = named.rule
    return {
        "rule": named.id,
        "title": one_line(named.title),
        "family": rule.family.value,
        "needs": rule.needs.value,
        "reads": list(rule.reads) if isinstance(rule, RowRule) else [],
        "settings": list(rule.settings) if isinstance(rule, ConfigRule) else [],
        "ceiling": rule.ceiling.value,
        "adaptive": rule.adaptive,
        "explained_by": list(rule.explained_by),
        "limits": limits_object(rule.limits),
        "muted": named.muted,
    }


def limits_object(limits: object) -> dict[str, Json]:
    """The limits as JSON."""
    return {name: _plain(value) for name, value in limit_names(limits).items()}


def _plain(value: object) -> Json:
    if isinstance(value, frozenset | set):
        return sorted(str(entry) for entry in value)
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)


def judged_object(rules: Iterable[NamedRule], health: RunHealth) -> dict[str, Json]:
    """Which rules judged the run, which did not and why; each rule is in one of the lists."""
    muted = {named.id for named in rules if named.muted is not None}
    failed = {failure.rule for failure in health.rule_failures}
    findings = Counter(finding.rule for finding in health.findings)
    worst: dict[str, str] = {}
    for finding in sorted(health.findings, key=lambda finding: -finding.severity.rank):
        worst.setdefault(finding.rule, finding.severity.value)
    silent = [item for item in health.not_evaluated if item.rule not in failed]
    return {
        "run": health.snapshot.name,
        "evaluated": [
            {"rule": rule, "findings": findings[rule], "worst": worst.get(rule)}
            for rule in health.evaluated
            if rule not in failed
        ],
        "not_evaluated": [
            {"rule": item.rule, "reason": item.reason, "how": item.how}
            for item in silent
            if item.applicable and item.rule not in muted
        ],
        "muted": [{"rule": item.rule, "reason": item.reason} for item in silent if item.applicable and item.rule in muted],
        "not_applicable": [{"rule": item.rule, "reason": item.reason} for item in silent if not item.applicable],
        "failed": [{"rule": failure.rule, "reason": failure.message} for failure in health.rule_failures],
    }


_GROUPS = {
    "evaluated": "evaluated",
    "not_evaluated": "not evaluated",
    "muted": "muted",
    "not_applicable": "not for this run",
    "failed": "failed",
}


def judged_lines(rules: Iterable[NamedRule], health: RunHealth) -> Iterator[str]:
    """The same for people: a group after the other, a line a rule."""
    rules = tuple(rules)
    judged = judged_object(rules, health)
    sizes = ", ".join(f"{len(judged[key])} {name}" for key, name in _GROUPS.items() if judged[key])
    yield f"{one_line(health.snapshot.name)}: {count(len(rules))} rules, {sizes}"
    width = max((len(rule.id) for rule in rules), default=0)
    for key, name in _GROUPS.items():
        if not judged[key]:
            continue
        yield ""
        yield name
        for entry in judged[key]:
            yield f"  {entry['rule']:{width}}  {one_line(_judged_text(entry))}"


def _judged_text(entry: dict[str, Json]) -> str:
    if "findings" not in entry:
        how = entry.get("how")
        return f"{entry['reason']}; {how}" if how else f"{entry['reason']}"
    if not entry["findings"]:
        return "no finding"
    many = "1 finding" if entry["findings"] == 1 else f"{entry['findings']} findings"
    return f"{many}, {entry['worst'] if entry['findings'] == 1 else 'the worst ' + str(entry['worst'])}"
