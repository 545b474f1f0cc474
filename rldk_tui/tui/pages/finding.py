"""One finding: what happened, the evidence with its limit, the cause, what to change, and the rule's manual."""

from __future__ import annotations

import numpy as np

from rldk_tui.charts.format import count, quantity
from rldk_tui.charts.growing import shape_of
from rldk_tui.charts.plot import plot
from rldk_tui.charts.severity import SEVERITY_GLYPHS
from rldk_tui.charts.text import one_line
from rldk_tui.events import Advice, Finding, Json
from rldk_tui.metrics import title
from rldk_tui.tui.cells import Box, FindingPage, Line, Span, Tone, line, right, wrapped
from rldk_tui.tui.pages.exact_evidence import exact_evidence
from rldk_tui.tui.pages.metric_card import metric_page
from rldk_tui.tui.tones import OVER, SEVERITY_TONES
from rldk_tui.tui.view import View

_PLOT_HEIGHT = 8
_LABEL = 9
_MOST_WIDTH = 110
"""Longer lines of prose are hard to read."""


def finding_page(finding: Finding) -> FindingPage:
    """The page of the finding of this id, as it stands whenever it is drawn."""
    title = f"Finding: {finding.rule}"
    return FindingPage(f"finding:{finding.id}", title, lambda view, box: _draw(finding, view, box), finding=finding.id)


def _draw(opened: Finding, view: View, box: Box) -> tuple[Line, ...]:
    found = next((finding for finding in view.health.findings if finding.id == opened.id), None)
    if found is None:
        gone = line(Span("This finding is not there any more: later rows of the log changed what was known.", Tone.WARNING))
        return (gone, line(), *_body(opened, view, box))
    return _body(found, view, box)


def _body(finding: Finding, view: View, box: Box) -> tuple[Line, ...]:
    width = min(box.width, _MOST_WIDTH)
    tone = SEVERITY_TONES[finding.severity]
    still = "the end, never closed" if view.health.snapshot.state in OVER else "now, still open"
    until = still if finding.open else f"step {count(finding.last_step)}, closed"
    rows = [
        line(
            Span(f"{SEVERITY_GLYPHS[finding.severity]} {finding.severity.value}", tone),
            Span(f"  {finding.rule}", Tone.STRONG),
            f"  step {count(finding.first_step)} to {until}",
            Span(f"  known since step {count(finding.detected_step)}", Tone.DIM),
        ),
        line(),
        *wrapped(finding.summary, width),
    ]
    if finding.rule in view.muted:
        rows.append(line(Span("muted: m on this page has it heard again", Tone.DIM)))
    rows += _evidence(finding, width, box)
    if finding.cause:
        rows += [line(), _heading("Cause"), *wrapped(finding.cause, width, indent="  ")]
    if finding.advice:
        rows += [line(), _heading("What to change")]
        for advice in finding.advice:
            rows += _advice(advice, width)
    rows += exact_evidence(finding, view, box)
    rows += _story(finding, view.health.findings)
    return (*rows, *_manual(finding.rule, width))


def _story(finding: Finding, others: tuple[Finding, ...]) -> list[Line]:
    """What explains this finding and what it explains."""
    known = {other.id: other for other in others}
    above = [known[name] for name in (finding.parent, *finding.alternatives) if name in known]
    below = [other for other in others if other.parent == finding.id]
    rows: list[Line] = []
    if above:
        rows += [
            line(),
            _heading("Follows from"),
            *(_related(other, "or possibly " * (other is not above[0])) for other in above),
        ]
    if below:
        rows += [line(), _heading("Explains"), *(_related(other) for other in below)]
    return rows


def _related(other: Finding, doubt: str = "") -> Line:
    return line(
        Span(f"  {SEVERITY_GLYPHS[other.severity]} {doubt}"),
        Span(other.rule, SEVERITY_TONES[other.severity]),
        Span(f"  since step {count(other.first_step)}", Tone.DIM),
        opens=finding_page(other),
    )


def _heading(text: str) -> Line:
    return line(Span(text, Tone.ACCENT))


def _evidence(finding: Finding, width: int, box: Box) -> list[Line]:
    evidence = finding.evidence
    if not evidence.steps:
        return []
    values = np.array([np.nan if value is None else value for value in evidence.values], dtype=np.float64)
    shape = shape_of(np.array(evidence.steps), values, np.array([value is None for value in evidence.values]))
    unit = evidence.unit or ""
    name = title(evidence.metric) if evidence.metric else "Evidence"
    head = [Span(name, Tone.ACCENT)]
    if evidence.limit is not None:
        head.append(Span(f"  limit {quantity(evidence.limit, unit)}", Tone.WARNING))
    if evidence.peak is not None:
        at = f" at step {count(evidence.peak_step)}" if evidence.peak_step is not None else ""
        head.append(Span(f"  worst {quantity(evidence.peak, unit)}{at}", Tone.PLAIN))
    chart = metric_page(evidence.metric, finding.first_step) if evidence.metric else None
    rows = [line(), line(*head, Span("   ⏎ opens its chart" if chart and box.live else "", Tone.DIM), opens=chart)]
    for row in plot(shape, max(8, width - _LABEL - 1), _PLOT_HEIGHT, box.plot_glyphs, evidence.limit):
        label = Span(right(row.label, _LABEL) + " ", Tone.WARNING if row.limit else Tone.DIM)
        rows.append(line(label, *_plot_spans(row.cells, box, axis=row.label == "" and row.cells.strip()[:1].isdigit())))
    return rows


def _plot_spans(cells: str, box: Box, *, axis: bool) -> tuple[Span, ...]:
    """The limit's dashes in their own tone, everything else in the chart's."""
    if axis:
        return (Span(cells, Tone.DIM),)
    spans: list[Span] = []
    for char in cells:
        tone = Tone.WARNING if char == box.plot_glyphs.dashed else Tone.CHART
        if spans and spans[-1].tone is tone:
            spans[-1] = Span(spans[-1].text + char, tone)
        else:
            spans.append(Span(char, tone))
    return tuple(spans)


def _advice(advice: Advice, width: int) -> list[Line]:
    rows = list(wrapped(advice.text, width, indent="  "))
    if advice.parameter:
        today = "not known" if advice.current is None else _setting(advice.current)
        change = [Span(f"    {advice.parameter}", Tone.STRONG), Span(f"   today {today}", Tone.DIM)]
        if advice.proposed:
            change += [Span("  →  ", Tone.DIM), Span(advice.proposed, Tone.GOOD)]
        rows.append(line(*change))
    return rows


def _setting(value: Json) -> str:
    return f"{value:g}" if isinstance(value, float) else one_line(str(value), 80)


def _manual(rule: str, width: int) -> list[Line]:
    """The rule's own words, its headings as headings."""
    from rldk_tui.diagnosis.catalogue import load_rules
    from rldk_tui.diagnosis.rule import MANUAL_HEADINGS

    manual = next((named.manual for named in load_rules() if named.id == rule), "")
    rows: list[Line] = []
    paragraph: list[str] = []

    def end_paragraph() -> None:
        if paragraph:
            rows.extend(wrapped(" ".join(paragraph), width, indent="  "))
            paragraph.clear()

    for text in manual.strip().splitlines()[1:]:
        if text.strip() in MANUAL_HEADINGS:
            end_paragraph()
            rows += [line(), _heading(text.strip())]
        elif text.strip():
            paragraph.append(text.strip())
        else:
            end_paragraph()
    end_paragraph()
    return rows


def issue_text(finding: Finding, view: View) -> str:
    """The finding as a block of text for an issue: what, where, why, what to change, and of which run."""
    info, health = view.health.snapshot.info, view.health
    unit = f" {finding.evidence.unit}" if finding.evidence.unit else ""
    until = "still open" if finding.open else f"closed at step {count(finding.last_step)}"
    limit = "" if finding.evidence.limit is None else f", limit {quantity(finding.evidence.limit, unit.strip())}"
    peak = "" if finding.evidence.peak is None else f"Worst value: {quantity(finding.evidence.peak, unit.strip())}{limit}"
    setup = [
        info.algorithm.value.upper().replace("_", " ") if info.algorithm else "",
        info.model or "",
        *(f"{name} {version}" for name, version in list(info.versions.items())[:4]),
        f"seed {info.seed}" if info.seed is not None else "",
        f"git {info.git_revision}" if info.git_revision else "",
    ]
    rows = [
        f"### {finding.rule} ({finding.severity.value}) in {health.snapshot.name}",
        "",
        finding.summary,
        "",
        f"- step {count(finding.first_step)}, {until}; known since step {count(finding.detected_step)}",
        f"- {peak}" if peak else "",
        f"- cause: {finding.cause}" if finding.cause else "",
        *(
            f"- to change: {advice.text}"
            + (f" (`{advice.parameter}`: {_setting(advice.current)} -> {advice.proposed})" if advice.proposed else "")
            for advice in finding.advice
        ),
        f"- run: {', '.join(part for part in setup if part)}",
    ]
    shown = rows[:4] + [row for row in rows[4:] if row]
    return "\n".join(one_line(row) for row in shown) + "\n"
