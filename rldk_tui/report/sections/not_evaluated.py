"""Which checks could not be made and what to log to have them, and which were made and passed."""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.diagnosis.findings import told_together
from rldk_tui.report.manual import rule_title
from rldk_tui.report.sections import Section
from rldk_tui.session import RunHealth


@dataclass(frozen=True, slots=True)
class Missing:
    """A check that could not be made; `how` says what to log, where that helps."""

    rule: str
    title: str
    reason: str
    how: str | None


@dataclass(frozen=True, slots=True)
class Together:
    """Checks that want the same to be made: in one sentence, what."""

    titles: tuple[str, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class Passed:
    """A check that was made and found nothing."""

    rule: str
    title: str


@dataclass(frozen=True, slots=True)
class Checks:
    """Every rule that made no finding.

    Attributes:
        missing: Rules for this kind of run that could not be evaluated.
        together: The same in short, by what is to be done about it; what helps most checks first.
        passed: Rules that were.
        elsewhere: Rules for other kinds of runs.
    """

    missing: tuple[Missing, ...]
    together: tuple[Together, ...]
    passed: tuple[Passed, ...]
    elsewhere: tuple[Missing, ...]


def build(health: RunHealth) -> Checks:
    """Always there."""
    loud = {finding.rule for finding in health.findings} | {failure.rule for failure in health.rule_failures}
    silent = [
        (rule.applicable, Missing(rule.rule, rule_title(rule.rule), rule.reason, rule.how)) for rule in health.not_evaluated
    ]
    return Checks(
        missing=tuple(rule for applicable, rule in silent if applicable),
        together=tuple(
            Together(tuple(map(rule_title, rules)), sentence)
            for rules, sentence in sorted(told_together(health.not_evaluated), key=lambda told: -len(told[0]))
        ),
        passed=tuple(Passed(rule, rule_title(rule)) for rule in health.evaluated if rule not in loud),
        elsewhere=tuple(rule for applicable, rule in silent if not applicable),
    )


SECTION = Section(title="What was checked", order=50, build=build, template="not_evaluated")
