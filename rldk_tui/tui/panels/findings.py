"""What the rules found, the worst story first and its consequences below it, and how much they could look at."""

from __future__ import annotations

from rldk_tui.charts.format import count
from rldk_tui.charts.severity import SEVERITY_GLYPHS
from rldk_tui.events import Finding, RunState
from rldk_tui.run.extraction import faulty
from rldk_tui.session import RunHealth
from rldk_tui.tui.cells import Box, Drawing, Line, Span, Tone, cut, left, line, wrapped
from rldk_tui.tui.pages.finding import finding_page
from rldk_tui.tui.panels import Panel, Place
from rldk_tui.tui.tones import OVER, SEVERITY_TONES
from rldk_tui.tui.view import View

_WORD = 9
_FOLLOWS = "└ "
"""Before a finding that another one above it explains."""
_MOST_SUMMARY = 3
"""Lines a finding's sentence may take here; its page shows all of it."""


def draw(view: View, box: Box) -> Drawing:
    """A line a finding, set in where another explains it; with room, its sentence below."""
    findings = in_order(view)
    roots = {finding.id for finding in findings}
    names = [f"{_FOLLOWS if finding.parent in roots else ''}{finding.rule}" for finding in findings]
    footer = _footer(view, box)
    if not findings:
        return Drawing(wrapped(_nothing_found(view), box.width, Tone.DIM), footer, "none")
    state = view.health.snapshot.state
    longest = max(len(name) for name in names)
    wheres = [span_of(finding, state) for finding in findings]
    if longest > (room_for_rules := _room_for_rules(wheres, box)):  # what is open has an arrow: the word may go
        wheres = [where.removesuffix(" closed") for where in wheres]
        room_for_rules = _room_for_rules(wheres, box)
    heads = [
        _head(finding, name, where, min(longest, room_for_rules), box, muted=finding.rule in view.muted)
        for finding, name, where in zip(findings, names, wheres, strict=True)
    ]
    sentences = [
        () if finding.rule in view.muted else wrapped(finding.summary, box.width - 1, Tone.DIM, "   ") for finding in findings
    ]
    room = None if box.height is None else box.height - len(heads) - len(footer)
    lines: list[Line] = []
    shown = _affordable([min(len(sentence), _MOST_SUMMARY) for sentence in sentences], room)
    for head, sentence, rows in zip(heads, sentences, shown, strict=True):
        lines.append(head)
        lines.extend(Line(row.spans, head.opens) for row in _shortened(sentence, rows, box.width))
    opened = sum(finding.open for finding in findings)
    muted = sum(finding.rule in view.muted for finding in findings)
    note = f"{count(opened)} open · {count(len(findings) - opened)} closed" + (f" · {count(muted)} muted" if muted else "")
    return Drawing(tuple(lines), footer, note)


def _room_for_rules(wheres: list[str], box: Box) -> int:
    return max(8, box.width - 3 - _WORD - 2 - max(len(where) for where in wheres))


def in_order(view: View) -> tuple[Finding, ...]:
    """The findings, the muted ones last."""
    return tuple(sorted(view.health.findings, key=lambda finding: finding.rule in view.muted))


def _shortened(sentence: tuple[Line, ...], rows: int, width: int) -> tuple[Line, ...]:
    """The first lines of a sentence, with an ellipsis where it goes on."""
    if rows >= len(sentence) or not rows:
        return sentence[:rows]
    last = sentence[rows - 1]
    return (*sentence[: rows - 1], cut(Line((*last.spans, Span(" …", Tone.DIM))), width))


def _affordable(wanted: list[int], room: int | None) -> list[int]:
    """Lines of its sentence each finding gets: one each from the top, then another."""
    if room is None:
        return wanted
    given = [0] * len(wanted)
    for _ in range(max(wanted)):
        for index, rows in enumerate(wanted):
            if room > 0 and given[index] < rows:
                given[index] += 1
                room -= 1
    return given


def _head(finding: Finding, name: str, where: str, rule_width: int, box: Box, *, muted: bool) -> Line:
    glyph, word, tone = SEVERITY_GLYPHS[finding.severity], finding.severity.value, SEVERITY_TONES[finding.severity]
    if muted:
        glyph, word, tone = "–", "muted", Tone.DIM
    if tone is Tone.CRITICAL and not finding.open:
        tone = Tone.HIGH  # over, so it does not shout
    rule = left(name, rule_width)
    shown = line(
        Span(glyph, tone),
        " " * (3 - len(glyph)),
        Span(word, tone),
        " " * (_WORD - len(word)),
        Span(rule, Tone.STRONG if finding.open and not muted else Tone.DIM),
        Span(f"  {where}", Tone.PLAIN if finding.open else Tone.DIM),
        opens=finding_page(finding),
    )
    return cut(shown, box.width)


def span_of(finding: Finding, state: RunState) -> str:
    """Since when, and until when."""
    if finding.open:
        return f"{count(finding.first_step)} → {'end' if state in OVER else 'now'}"
    last = f"–{count(finding.last_step)}" if finding.last_step != finding.first_step else ""
    return f"{count(finding.first_step)}{last} closed"


def _nothing_found(view: View) -> str:
    if view.health.unjudged:
        return "Nothing was found so far." if view.health.evaluated else "The run is judged when all of it is read."
    if not view.health.evaluated:
        return "Nothing could be judged yet."
    return "Nothing was found by the rules that could be judged."


def _footer(view: View, box: Box) -> tuple[Line, ...]:
    health = view.health
    rules = _how_much_was_judged(health, live=box.live)
    problems = len(health.snapshot.problems)
    errors = len(faulty(health.snapshot.extraction_errors))
    unread = [f"{count(problems)} read problem{'s' * (problems != 1)}"] if problems else []
    unread += [f"{count(errors)} extraction error{'s' * (errors != 1)}"] if errors else []
    if not unread:
        return (cut(rules, box.width),)
    return (
        cut(rules, box.width),
        cut(line(Span("! " + " · ".join(unread) + (" (u)" if box.live else ""), Tone.WARNING)), box.width),
    )


def _how_much_was_judged(health: RunHealth, *, live: bool) -> Line:
    if health.unjudged:
        rows = sum(len(segment.rows) for segment in health.snapshot.segments)
        return line(Span(f"{count(rows - health.unjudged)} of {count(rows)} rows judged so far", Tone.DIM))
    broken = len(health.rule_failures)
    return line(
        Span(
            f"{count(len(health.evaluated))} evaluated · {count(len(health.not_evaluated))} not"
            f"{' (u: why)' if live else ' evaluated'} · ",
            Tone.DIM,
        ),
        Span(f"{count(broken)} failed", Tone.WARNING if broken else Tone.DIM),
    )


def _wants(view: View, width: int) -> int:
    findings = view.health.findings
    sentences = sum(len(wrapped(finding.summary, width - 1, indent="   ")[:_MOST_SUMMARY]) for finding in findings)
    return max(2, len(findings) + sentences + len(_footer(view, Box(width))))


PANEL = Panel(name="findings", key="2", order=1, place=Place.RIGHT, least=4, wants=_wants, draw=draw)
