"""The main screen as one page of text, for a log file, a pipe or an agent: rich alone, nothing of Textual."""

from __future__ import annotations

from rldk_tui.diagnosis.findings import told_together
from rldk_tui.run.extraction import Trouble, faulty, troubles
from rldk_tui.session import RunHealth
from rldk_tui.tui.cells import Box, Drawing, Line, Span, Tone, line, wrapped
from rldk_tui.tui.header import draw_header
from rldk_tui.tui.panels import Panel, load_panels
from rldk_tui.tui.printed import printed
from rldk_tui.tui.view import View, view_of

_GENERATIONS = 6
"""Completions on the page; the log has them all."""
_UNKNOWN = 12
"""Reasons on the page for what is not known."""


def render_once(health: RunHealth, width: int, *, ascii: bool = False, color: bool = False) -> str:  # noqa: A002
    """Header, findings, metrics, machine, generations and what is not known, top to bottom."""
    view = view_of(health)
    rows = list(draw_header(view, Box(width, ascii=ascii)))
    for panel in load_panels():
        drawing = panel.draw(view, Box(width - 2, ascii=ascii, live=False))
        rows += [line(), _heading(panel.name, drawing.note), *(Line((Span("  "), *row.spans)) for row in _page(panel, drawing))]
    rows += _unknown(view, width)
    return printed(rows, width, ascii=ascii, color=color)


def page_once(health: RunHealth, *, ascii: bool | None = None) -> str:  # noqa: A002
    """The page as standard output can take it."""
    from rldk_tui.tui.terminal import ascii_only, colours, page_width

    plain = ascii_only() if ascii is None else ascii
    return render_once(health, page_width(), ascii=plain, color=colours())


def _heading(title: str, note: str) -> Line:
    return line(Span(title.upper(), Tone.ACCENT), Span(f"  {note}" if note else "", Tone.DIM))


def _unknown(view: View, width: int) -> list[Line]:
    """What could not be judged or read: a line a reason, and where all of it is listed."""
    unfit = [rule.rule for rule in view.health.not_evaluated if not rule.applicable]
    lacking = sorted(told_together(view.health.not_evaluated), key=lambda item: -len(item[0]))
    told = [_sentence(trouble) for trouble in troubles(view.health.snapshot.extraction_errors)]
    wrong = len(troubles(faulty(view.health.snapshot.extraction_errors)))
    sentences = [f"{failure.rule} failed: {failure.message}" for failure in view.health.rule_failures]
    sentences += [f"{problem.source}: {problem.message}" for problem in view.health.snapshot.problems]
    sentences += told[:wrong]
    sentences += [f"not for this run: {', '.join(unfit)}"] if unfit else []
    sentences += [f"{sentence}: {', '.join(rules)}" for rules, sentence in lacking]
    sentences += told[wrong:]
    if not sentences:
        return []
    rows = [line(), _heading("not known", "which is not the same as fine")]
    for sentence in sentences[:_UNKNOWN]:
        first, *more = wrapped(sentence, width - 2, indent="  ")
        rows += [first, *(Line((Span("  "), *row.spans)) for row in more)]
    if len(sentences) > _UNKNOWN:
        rows.append(line(Span(f"  and {len(sentences) - _UNKNOWN} more: rldk check RUN --json lists them all", Tone.DIM)))
    return rows


def _sentence(trouble: Trouble) -> str:
    if trouble.count > 1:
        return f"steps {trouble.first}–{trouble.last}, {trouble.count} times: {trouble.message}"
    return trouble.message if trouble.first is None else f"step {trouble.first}: {trouble.message}"


def _page(panel: Panel, drawing: Drawing) -> tuple[Line, ...]:
    rows = drawing.lines
    if panel.name == "generations" and len(rows) > _GENERATIONS + 1:
        rest = len(rows) - _GENERATIONS - 1
        rows = (*rows[: _GENERATIONS + 1], line(Span(f"and {rest} more", Tone.DIM)))
    return (*rows, *drawing.footer)
