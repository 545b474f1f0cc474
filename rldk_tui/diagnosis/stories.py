"""One fault tells one story: which finding explains which, how far each may be believed, and what to show first.

A fault sets off several rules. Each rule names those that may be its cause (`explained_by`); here the findings of a run are
joined along these names, so that the root comes first and its consequences follow it. The joining changes what is told,
never the score: discounting a consequence only where its cause was seen would let one more finding raise the score.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from msgspec.structs import replace

from rldk_tui.diagnosis.rule import BEYOND_LOGS, AnyRule, Need
from rldk_tui.events import Finding, Severity

NEAR = 20
"""Steps within which one finding may still be the cause of the next, or corroborate it (catalogue)."""
JITTER = 5
"""Steps by which a cause may seem to begin after its consequence: onsets are found through windows."""
_MOST_ALTERNATIVES = 2
_SURE = BEYOND_LOGS | {Need.CONFIG}


def tell_stories(findings: Iterable[Finding], rules: Mapping[str, AnyRule]) -> tuple[Finding, ...]:
    """The findings with ids of their own, in believable severities, joined to their causes, the worst story first.

    Args:
        findings: In order of launches.
        rules: By id, for every rule that made one of them.
    """
    named = list(_unique(findings))
    believed = [_believable(finding, named, rules) for finding in named]
    joined = _join(believed, rules)
    return tuple(sorted(joined, key=_order(joined)))


def corroborated(finding: Finding, findings: Iterable[Finding], rules: Mapping[str, AnyRule]) -> bool:
    """Whether a finding of another family, of what was seen and not of what was configured, stands near this one."""
    family = rules[finding.rule].family
    return any(
        rules[other.rule].family is not family
        and rules[other.rule].needs is not Need.CONFIG
        and other.severity.rank >= Severity.WARNING.rank
        and other.first_step - NEAR <= finding.last_step
        and finding.first_step - NEAR <= other.last_step
        for other in findings
    )


def _believable(finding: Finding, findings: list[Finding], rules: Mapping[str, AnyRule]) -> Finding:
    """An adaptive rule alone reaches a warning."""
    too_high = rules[finding.rule].adaptive and finding.severity.rank > Severity.WARNING.rank
    if too_high and not corroborated(finding, findings, rules):
        return replace(finding, severity=Severity.WARNING)
    return finding


def _unique(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Each with an id of its own: a relaunch may repeat an episode's first step."""
    seen: dict[str, int] = {}
    for finding in findings:
        count = seen[finding.id] = seen.get(finding.id, 0) + 1
        yield finding if count == 1 else replace(finding, id=f"{finding.id}#{count}")


def _join(findings: list[Finding], rules: Mapping[str, AnyRule]) -> list[Finding]:
    grouped: dict[str, list[Finding]] = {}
    for finding in findings:
        grouped.setdefault(finding.rule, []).append(finding)
    by_rule = {rule: _Timeline(found) for rule, found in grouped.items()}
    explained: dict[str, set[str]] = {}
    for rule in by_rule:
        for parent in rules[rule].explained_by:
            explained.setdefault(parent, set()).add(rule)

    def fitness(parent: Finding) -> tuple[bool, bool, int, int, str]:
        return (
            parent.severity is Severity.INFO,
            rules[parent.rule].needs not in _SURE,
            parent.first_step,
            -len(explained[parent.rule]),
            parent.id,
        )

    joined = []
    for finding in findings:
        possible = [
            parent
            for rule in rules[finding.rule].explained_by
            if rule in by_rule
            for parent in by_rule[rule].reaching(finding.first_step)
        ]
        if possible:
            best, *others = sorted(possible, key=fitness)
            names = tuple(dict.fromkeys(other.id for other in others if other.rule != best.rule))
            finding = replace(finding, parent=best.id, alternatives=names[:_MOST_ALTERNATIVES])
        elif (sibling := _first_of_its_kind(finding, by_rule[finding.rule])) is not None:
            finding = replace(finding, parent=sibling.id)
        joined.append(finding)
    return joined


def _first_of_its_kind(finding: Finding, same: _Timeline) -> Finding | None:
    """What one rule says of several metrics at once is one story: the gravest and earliest of them tells it."""
    if not same.several:
        return None
    told = same.beginning_near(finding.first_step)
    first = min(told, key=lambda one: (-one.severity.rank, one.first_step, one.id))
    return first if first.metric != finding.metric else None


class _Timeline:
    """The findings of one rule by their onset, so that those near a step are found without a look at all of them."""

    def __init__(self, findings: list[Finding]) -> None:
        self._findings = sorted(findings, key=lambda finding: finding.first_step)
        self._onsets = [finding.first_step for finding in self._findings]
        ends = (math.inf if finding.open else finding.last_step for finding in self._findings)
        self._latest_end = list(accumulate(ends, max))
        self.several = len({finding.metric for finding in findings}) > 1
        """Whether they are about more than one metric."""

    def reaching(self, step: int) -> Iterator[Finding]:
        """Those that had begun by a step, windows considered, and were not over long before it."""
        for index in range(bisect_right(self._onsets, step + JITTER) - 1, -1, -1):
            if self._latest_end[index] < step - NEAR:
                return
            finding = self._findings[index]
            if finding.open or finding.last_step >= step - NEAR:
                yield finding

    def beginning_near(self, step: int) -> list[Finding]:
        """Those whose onset may be this step as well."""
        return self._findings[bisect_left(self._onsets, step - JITTER) : bisect_right(self._onsets, step + JITTER)]


def _order(findings: list[Finding]) -> _Order:
    return _Order({finding.id: finding for finding in findings})


class _Order:
    """The key that sorts stories by their worst finding, and within each the root first."""

    def __init__(self, findings: Mapping[str, Finding]) -> None:
        self._roots = {name: self._root(name, findings) for name in findings}
        worst: dict[str, tuple[int, bool, int]] = {}
        for name, finding in findings.items():
            rank = (-finding.severity.rank, not finding.open, finding.first_step)
            root = self._roots[name]
            worst[root] = min(worst.get(root, rank), rank)
        self._worst = worst

    @staticmethod
    def _root(name: str, findings: Mapping[str, Finding]) -> str:
        seen = {name}
        while (parent := findings[name].parent) is not None and parent not in seen:
            seen.add(parent)
            name = parent
        return name

    def __call__(self, finding: Finding) -> tuple[object, ...]:
        root = self._roots[finding.id]
        own = (-finding.severity.rank, not finding.open, finding.first_step, finding.id)
        return (self._worst[root], root, finding.id != root, own)
