"""The check object in words: plain text for a terminal, Markdown for an issue or a pull request.

A run's own text is made harmless first: it must be seen in a terminal, not obeyed, and be text in Markdown, not markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rldk_tui.charts.format import count, number, percent
from rldk_tui.charts.text import one_line
from rldk_tui.diagnosis.findings import told_together
from rldk_tui.events import Advice, ExtractionKind, Finding
from rldk_tui.run.extraction import Trouble, troubles
from rldk_tui.session import RunHealth

_LONGEST = 2000
"""Characters of any one text of a run that a summary repeats."""
_ERRORS = 5
"""Extraction errors of a kind that a summary repeats, the newest."""
_WORDS = {
    ExtractionKind.FAILED: "not recorded",
    ExtractionKind.VALUE: "no value",
    ExtractionKind.MISSING: "missing",
    ExtractionKind.UNAVAILABLE: "not available",
}
_MARKUP = re.compile(r"([\\`*_\[\]!|~>$])")
_AT_THE_START = re.compile(r"^(\d*)([-+=#.)])")


def as_text(health: RunHealth) -> str:
    """The verdict and every finding, for a terminal."""
    return "\n".join(_text_lines(health))


def _text_lines(health: RunHealth) -> Iterator[str]:
    yield f"{_plain(health.snapshot.name)}  {verdict_line(health)}"
    for cap in health.score.caps:
        yield f"  held down to {cap.limit:.2f} by {cap.reason}"
    for finding in health.findings:
        yield ""
        yield f"{finding.severity.value.upper():8}  {finding.rule}  {when(finding)}"
        yield f"  {_plain(finding.summary)}"
        if finding.cause:
            yield f"  Cause: {_plain(finding.cause)}"
        if finding.parent:
            yield f"  Follows from: {_plain(follows_from(finding, health.findings))}"
        for advice in finding.advice:
            yield f"  → {_plain(advice_line(advice))}"
    yield ""
    yield tally(health)
    yield from _unknown_lines(health)


def _unknown_lines(health: RunHealth) -> Iterator[str]:
    """What could not be judged, read or recorded."""
    for rules, sentence in told_together(health.not_evaluated):
        yield f"  not evaluated  {', '.join(rules)}: {_plain(sentence)}"
    for failure in health.rule_failures:
        yield f"  rule failed    {failure.rule}: {_plain(failure.message)}"
    for problem in health.snapshot.problems:
        yield f"  read problem   {_plain(f'{problem.source}: {problem.message}')}"
    told = troubles(health.snapshot.extraction_errors)
    for kind, word in _WORDS.items():
        yield from _troubles([trouble for trouble in told if trouble.kind is kind], word)


def _troubles(told: list[Trouble], word: str) -> Iterator[str]:
    """Those that came last, and how many others there are."""
    for trouble in told[-_ERRORS:]:
        times = f" ({count(trouble.count)} times, steps {trouble.first}–{trouble.last})" if trouble.count > 1 else ""
        yield f"  {word:<14} {_plain(trouble.message)}{times}"
    if len(told) > _ERRORS:
        yield f"  {word:<14} and {count(len(told) - _ERRORS)} others before"


def verdict_line(health: RunHealth) -> str:
    """State, grade, score and coverage on one line."""
    score = health.score
    value = "" if score.value is None else f" {score.value:.2f}"
    coverage = "" if score.coverage is None else f", {percent(score.coverage)} of the applicable rules evaluated"
    return f"{health.snapshot.state.value}, {score.grade}{value}{coverage}"


def when(finding: Finding) -> str:
    """The steps of an episode: `steps 5–120, still open`."""
    return f"steps {count(finding.first_step)}–{count(finding.last_step)}, {'still open' if finding.open else 'closed'}"


def follows_from(finding: Finding, findings: Iterable[Finding]) -> str:
    """The finding that explains this one, and what else might: `lr-jump since step 80, or kl-too-high since step 82`."""
    known = {other.id: other for other in findings}
    return ", or ".join(
        f"{known[name].rule} since step {count(known[name].first_step)}"
        for name in (finding.parent, *finding.alternatives)
        if name in known
    )


def advice_line(advice: Advice) -> str:
    """What to do: the text and, where one is named, the parameter with today's and the proposed value."""
    text = advice.text.rstrip(".")
    if advice.parameter is None:
        return text
    today = number(advice.current, 6) if isinstance(advice.current, float) else str(advice.current)
    change = f"{today} → {advice.proposed}" if advice.current is not None else f"{advice.proposed}"
    return f"{text} ({advice.parameter}: {change})" if advice.proposed is not None else f"{text} ({advice.parameter})"


def tally(health: RunHealth) -> str:
    """How many rules were judged, and how many could not be."""
    missing = sum(silent.applicable for silent in health.not_evaluated)
    parts = [f"{len(health.findings)} findings", f"{len(health.evaluated)} rules evaluated", f"{missing} not evaluated"]
    if health.rule_failures:
        parts.append(f"{len(health.rule_failures)} failed")
    if health.snapshot.problems:
        parts.append(f"{len(health.snapshot.problems)} read problems")
    return ", ".join(parts)


def as_markdown(health: RunHealth) -> str:
    """The same as Markdown: a heading, one section a finding, what could not be said."""
    return "\n".join(_markdown_lines(health)) + "\n"


def _markdown_lines(health: RunHealth) -> Iterator[str]:
    yield f"# {marked(health.snapshot.name)}: {marked(health.score.grade)}"
    yield ""
    yield f"{marked(verdict_line(health))}. {tally(health)}."
    for cap in health.score.caps:
        yield f"- held down to {cap.limit:.2f} by {marked(cap.reason)}"
    for finding in health.findings:
        yield ""
        yield f"## {finding.severity.value}: {marked(finding.rule)}, {when(finding)}"
        yield ""
        yield marked(finding.summary)
        if finding.cause:
            yield f"\nCause: {marked(finding.cause)}"
        if finding.parent:
            yield f"\nFollows from: {marked(follows_from(finding, health.findings))}"
        if finding.advice:
            yield ""
        for advice in finding.advice:
            yield f"- {marked(advice_line(advice))}"
    yield from _not_said(health)


def _not_said(health: RunHealth) -> Iterator[str]:
    rows = [(silent.rule, silent.reason, silent.how or "") for silent in health.not_evaluated if silent.applicable]
    rows += [(failure.rule, f"the rule failed: {failure.message}", "") for failure in health.rule_failures]
    rows += [(problem.source, f"could not be read: {problem.message}", "") for problem in health.snapshot.problems]
    for trouble in troubles(health.snapshot.extraction_errors):
        rows.append((trouble.metric or "the training", trouble.message, trouble.advice or ""))
    if rows:
        yield "\n## Not evaluated\n\n| what | why | how to mend it |\n|---|---|---|"
    for row in rows:
        yield f"| {' | '.join(marked(cell) for cell in row)} |"


def _plain(text: str) -> str:
    return one_line(text, _LONGEST)


def marked(text: str) -> str:
    """Text without a meaning in Markdown or HTML; it links and mentions nobody."""
    escaped = _MARKUP.sub(r"\\\1", one_line(text, _LONGEST).replace("&", "&amp;").replace("<", "&lt;"))
    escaped = _AT_THE_START.sub(r"\1\\\2", escaped)
    return escaped.replace("://", ":&#8203;//").replace("@", "@&#8203;")
