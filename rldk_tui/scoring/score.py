"""The score's formula, specification 1.

Penalty of a finding: base(severity) × activity × confidence. Family: (1 − worst) × Π (1 − ¼ other). Dimension: product of
its families. Raw: ½ · min over dimensions + ½ · Π dimension^weight. Then the caps.
Letters: A ≥ 0.90, B ≥ 0.75, C ≥ 0.60, D ≥ 0.40, F.
It is monotone (one more or one worse finding never raises it) and does not depend on the order of findings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from rldk_tui.events import Severity
from rldk_tui.scoring.families import DIMENSIONS, Dimension, Family

SPEC = 1

_BASE = {Severity.INFO: 0.0, Severity.WARNING: 0.08, Severity.HIGH: 0.30, Severity.CRITICAL: 0.65}
_LEAST_ACTIVITY = 0.25
_OTHERS = 0.25
_WEIGHT = {Severity.CRITICAL: 10.0, Severity.HIGH: 7.5, Severity.WARNING: 5.0, Severity.INFO: 2.5}
"""OpenSSF Scorecard's weights by risk, for the coverage."""
_LETTERS = ((0.90, "A"), (0.75, "B"), (0.60, "C"), (0.40, "D"), (0.0, "F"))
_ENOUGH_COVERAGE = 0.60
_UNRECOVERED = frozenset({"reward-collapse"})
_FATAL = frozenset({"nan-step-masked", "ckpt-nonfinite"})
_PRIMARY = frozenset({*DIMENSIONS[Dimension.LEARNING][1], *DIMENSIONS[Dimension.STABILITY][1]})


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A finding as the score sees it.

    `share` is the part of the run (0–1) in which it was open; `confidence` (0–1) is below 1 for a rule that compares the run
    with its own past and that nothing else bears out.
    """

    id: str
    rule: str
    family: Family
    severity: Severity
    open: bool
    share: float
    confidence: float = 1.0

    @property
    def penalty(self) -> float:
        """0 (nothing) to 0.65."""
        activity = 1.0 if self.open else max(_LEAST_ACTIVITY, min(1.0, self.share))
        return _BASE[self.severity] * activity * self.confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """A rule that applies to the run, and whether it could be judged. `ceiling` is the worst it can say."""

    rule: str
    family: Family
    ceiling: Severity
    evaluated: bool
    beyond_logs: bool = False


@dataclass(frozen=True, slots=True)
class Cap:
    """A fact that bounds the score whatever else is good."""

    limit: float
    reason: str


@dataclass(frozen=True, slots=True)
class Score:
    """The health of a run.

    Attributes:
        value: 0–1; None when it cannot be given.
        grade: A to F, with "?" when too little was measured to be sure; "not graded" without a value.
        coverage: Share (0–1, by weight) of the applicable rules that were evaluated; None if none applies.
        caps: What bounds the value, the tightest first; only those that bind.
        dimensions: The score of each dimension; None where no rule could judge it.
        findings, rules, needed: What it was made of.
    """

    value: float | None
    grade: str
    coverage: float | None
    caps: tuple[Cap, ...]
    dimensions: dict[Dimension, float | None]
    findings: tuple[Judged, ...] = field(default=(), repr=False, compare=False)
    rules: tuple[Evaluated, ...] = field(default=(), repr=False, compare=False)
    needed: frozenset[Family] = field(default=_PRIMARY, repr=False, compare=False)

    def effect(self, finding: str) -> float | None:
        """What one finding costs: the score without it less the score with it, 0 where a worse one hides it.

        None for an unknown finding and where there is no score. Costs about as much as the score itself.
        """
        others = [known for known in self.findings if known.id != finding]
        if self.value is None or len(others) == len(self.findings):
            return None
        without = score_of(others, self.rules, needed=self.needed).value
        return None if without is None else without - self.value


def score_of(findings: Iterable[Judged], rules: Iterable[Evaluated], *, needed: frozenset[Family] = _PRIMARY) -> Score:
    """The score of these findings, given which rules could be judged at all.

    Args:
        findings: What was found.
        rules: What was asked.
        needed: Families one of which must have been judged for there to be a score; by default those that tell of a run.
    """
    found, applicable = list(findings), list(rules)
    coverage = _coverage(applicable)
    kept = {dimension: _dimension(found, families) for dimension, (_, families) in DIMENSIONS.items()}
    seen = {rule.family for rule in applicable if rule.evaluated} | {finding.family for finding in found}
    dimensions = {
        dimension: kept[dimension] if seen.intersection(families) else None for dimension, (_, families) in DIMENSIONS.items()
    }
    if not any(rule.evaluated and rule.family in needed for rule in applicable):
        return Score(None, "not graded", coverage, (), dimensions)
    weighted = math.prod(kept[dimension] ** weight for dimension, (weight, _) in DIMENSIONS.items())
    raw = 0.5 * min(kept.values()) + 0.5 * weighted
    caps = sorted({cap for cap in map(_cap, found) if cap is not None}, key=lambda cap: (cap.limit, cap.reason))
    value = min([raw, *(cap.limit for cap in caps)])
    binding = tuple(cap for cap in caps if cap.limit < raw)
    grade = _grade(value, coverage, applicable)
    return Score(value, grade, coverage, binding, dimensions, tuple(found), tuple(applicable), needed)


def _dimension(findings: list[Judged], families: tuple[Family, ...]) -> float:
    return math.prod(_family([finding.penalty for finding in findings if finding.family is family]) for family in families)


def _family(penalties: list[float]) -> float:
    if not penalties:
        return 1.0
    worst, *others = sorted(penalties, reverse=True)
    return (1.0 - worst) * math.prod(1.0 - _OTHERS * penalty for penalty in others)


def _cap(finding: Judged) -> Cap | None:
    state = "open" if finding.open else "closed"
    reason = f"{finding.rule} ({finding.severity.value}, {state})"
    if finding.open and finding.rule in _FATAL:
        return Cap(0.0, reason)
    if finding.open and (finding.severity is Severity.CRITICAL or finding.rule in _UNRECOVERED):
        return Cap(0.39, reason)
    if finding.open and finding.severity is Severity.HIGH:
        return Cap(0.74, reason)
    return None


def _coverage(rules: list[Evaluated]) -> float | None:
    whole = sum(_WEIGHT[rule.ceiling] for rule in rules)
    return sum(_WEIGHT[rule.ceiling] for rule in rules if rule.evaluated) / whole if whole else None


def _grade(value: float, coverage: float | None, rules: list[Evaluated]) -> str:
    """The letter. Logs alone cannot see frozen weights or a NaN gradient, so without more there is no A."""
    seen_beyond_logs = any(rule.evaluated and rule.beyond_logs for rule in rules)
    sure = seen_beyond_logs and coverage is not None and coverage >= _ENOUGH_COVERAGE
    letter = next(letter for limit, letter in _LETTERS if value >= limit)
    return letter if sure else f"{max(letter, 'B')}?"
