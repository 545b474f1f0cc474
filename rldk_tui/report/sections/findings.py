"""What is wrong, worst first: what was seen, where, why, and which parameter to change to what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rldk_tui.charts.line_chart import LineChart
from rldk_tui.events import Advice, Finding, Severity
from rldk_tui.metrics import title
from rldk_tui.report.examples import Example, Examples
from rldk_tui.report.figures import evidence_chart
from rldk_tui.report.manual import rule_manual, rule_title
from rldk_tui.report.sections import Section
from rldk_tui.session import RunHealth

MOST_TOLD = 30
"""Rules and metrics whose findings are told with their evidence."""
MOST_AGAIN = 6
"""Further episodes of one of those that are drawn; the others are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One finding as a reader needs it.

    Attributes:
        title: The rule's title.
        about: What a chart calls the metric; None for a finding about the run.
        means, source: From the rule's manual; "" for a rule that is not installed here.
        chart: The evidence; None where there is none to draw, or where the finding is only listed.
        again: Further episodes of the same, worst first.
        costs: What the score would gain without it; None where that is not known.
        follows_from: What explains it: the best explanation, then what might as well.
        examples: Generations that it is about.
    """

    id: str
    rule: str
    title: str
    severity: Severity
    first_step: int
    last_step: int
    detected_step: int
    open: bool
    about: str | None
    unit: str | None
    limit: float | None
    peak: float | None
    peak_step: int | None
    summary: str
    cause: str | None
    advice: tuple[Advice, ...]
    means: str
    source: str
    chart: LineChart | None
    again: tuple[Story, ...] = ()
    follows_from: tuple[Finding, ...] = ()
    costs: float | None = None
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """All findings, worst first.

    Attributes:
        told: With everything. Further episodes of the same rule on the same metric are told below its worst.
        listed: The rest of very many, a line each.
        checks: How many rules were evaluated.
    """

    told: tuple[Story, ...]
    listed: tuple[Story, ...]
    checks: int


def build(health: RunHealth) -> Findings:
    """Always there: without a finding it says how much was looked at."""
    known = {finding.id: finding for finding in health.findings}
    groups: dict[tuple[str, str | None], list[Story]] = {}
    listed = []
    for finding in health.findings:
        group = groups.get((finding.rule, finding.metric), [])
        if len(group) > MOST_AGAIN or (not group and len(groups) >= MOST_TOLD):
            listed.append(_story(finding, known, drawn=False))
        else:
            groups[finding.rule, finding.metric] = [*group, _story(finding, known, drawn=True)]
    examples = Examples(health)
    told = tuple(
        replace(worst, again=tuple(again), costs=health.score.effect(worst.id), examples=examples.of(known[worst.id]))
        for worst, *again in groups.values()
    )
    return Findings(told, tuple(listed), len(health.evaluated))


def _story(finding: Finding, known: Mapping[str, Finding], *, drawn: bool) -> Story:
    manual = rule_manual(finding.rule) if drawn else {}
    evidence = finding.evidence
    return Story(
        id=finding.id,
        rule=finding.rule,
        title=rule_title(finding.rule),
        severity=finding.severity,
        first_step=finding.first_step,
        last_step=finding.last_step,
        detected_step=finding.detected_step,
        open=finding.open,
        about=None if finding.metric is None else title(finding.metric),
        unit=evidence.unit,
        limit=evidence.limit,
        peak=evidence.peak,
        peak_step=evidence.peak_step,
        summary=finding.summary,
        cause=finding.cause,
        advice=finding.advice,
        means=manual.get("What it means", ""),
        source=manual.get("Where the limit comes from", ""),
        chart=evidence_chart(finding) if drawn else None,
        follows_from=tuple(known[name] for name in (finding.parent or "", *finding.alternatives) if name in known),
    )


SECTION = Section(title="Findings", order=20, build=build, template="findings")
