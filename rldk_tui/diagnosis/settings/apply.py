"""The rules as they hold for a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rldk_tui.diagnosis.custom_bands import band_rules
from rldk_tui.diagnosis.rule import AnyRule, Context, NamedRule, RowRule, StateVerdict, Verdict
from rldk_tui.diagnosis.settings.values import RuleSettings, Settings
from rldk_tui.events import Severity
from rldk_tui.run import Rows


def configured(rules: Iterable[NamedRule], settings: Settings) -> tuple[NamedRule, ...]:
    """The rules, the user's own and those of bands, with what is set for them, by id."""
    users = (rule.named() for rule in settings.user_rules)
    every = (*rules, *users, *band_rules(settings.bands))
    nothing = RuleSettings()
    return tuple(
        sorted((_configured(named, settings.rules.get(named.id, nothing)) for named in every), key=lambda rule: rule.id)
    )


def _configured(named: NamedRule, settings: RuleSettings) -> NamedRule:
    rule = named.rule
    if settings.limits:
        rule = replace(rule, limits=replace(rule.limits, **settings.limits))
    if settings.at_most is not None or settings.at_least is not None:
        least, most = settings.at_least or Severity.INFO, settings.at_most or Severity.CRITICAL
        rule = _bounded(rule, least, most)
    return replace(named, rule=rule, muted=settings.muted) if rule is not named.rule or settings.muted else named


def _bounded(rule: AnyRule, least: Severity, most: Severity) -> AnyRule:
    """The rule, whatever it says being of these severities."""
    ceiling = Severity.from_rank(min(max(rule.ceiling.rank, least.rank), most.rank))
    if isinstance(rule, RowRule):
        return replace(rule, ceiling=ceiling, watch=_BoundedRows(rule.watch, least.rank, most.rank))
    return replace(rule, ceiling=ceiling, judge=_BoundedState(rule.judge, least.rank, most.rank))


@dataclass(frozen=True, slots=True)
class _BoundedRows:
    watch: Callable[[Rows, Any, Context], Verdict[Any]]
    least: int
    most: int

    def __call__(self, rows: Rows, past: Any, context: Context) -> Verdict[Any]:
        verdict = self.watch(rows, past, context)
        level = np.where(verdict.level > 0, np.clip(verdict.level, self.least, self.most), 0).astype(np.int8)
        return replace(verdict, level=level)


@dataclass(frozen=True, slots=True)
class _BoundedState:
    judge: Callable[[Any, Any], StateVerdict | None]
    least: int
    most: int

    def __call__(self, of: Any, limits: Any) -> StateVerdict | None:
        verdict = self.judge(of, limits)
        if verdict is None:
            return None
        return replace(verdict, severity=Severity.from_rank(min(max(verdict.severity.rank, self.least), self.most)))
