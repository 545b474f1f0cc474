"""Two answers to one prompt word by word: what went, what came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rldk_tui.charts.format import count, number, percent
from rldk_tui.charts.text import lines, one_line
from rldk_tui.summary.generations.difference import Change, Difference, difference
from rldk_tui.tui.cells import Box, Line, Page, Span, Tone, line, wrapped
from rldk_tui.tui.generation_table import Row
from rldk_tui.tui.view import View

_UNLIKE = 0.3
"""Likeness below which the texts stand one after the other: of their words hardly any stayed."""
_MARKS = {Change.REMOVED: ("[-", "-]", Tone.HIGH), Change.ADDED: ("{+", "+}", Tone.GOOD), Change.SAME: ("", "", Tone.PLAIN)}
_MOST = 20_000


def answers_apart(before: Row, after: Row) -> Page:
    """The page of two answers."""
    key = f"apart:{before.place}:{after.place}"
    title = f"Step {count(before.log.step)} against step {count(after.log.step)}"
    return Page(key, title, lambda view, box: _draw(before, after, view, box))


def _draw(before: Row, after: Row, _view: View, box: Box) -> tuple[Line, ...]:
    old, new = before.measured.completion, after.measured.completion
    found = difference(old.completion[:_MOST], new.completion[:_MOST])
    rows = [
        _head("-", before, Tone.HIGH),
        _head("+", after, Tone.GOOD),
        line(Span(f"{percent(found.likeness)} alike", Tone.DIM)),
    ]
    rows += [line(), line(Span("Prompt", Tone.ACCENT))]
    for paragraph in lines(old.prompt, _MOST):
        rows += wrapped(paragraph, box.width, Tone.DIM)
    rows += [line(), line(Span("What went and what came", Tone.ACCENT))]
    if found.likeness < _UNLIKE:
        for sign, text, tone in (("- ", old.completion, Tone.HIGH), ("+ ", new.completion, Tone.GOOD)):
            for paragraph in lines(text, _MOST):
                rows += wrapped(paragraph, box.width, tone, sign)
            rows.append(line())
        return tuple(rows)
    rows += _flowing(_words(found), box.width)
    if found.left_out:
        rows.append(line(Span(f"{count(found.left_out)} words further on were not compared", Tone.DIM)))
    return tuple(rows)


def _head(sign: str, row: Row, tone: Tone) -> Line:
    reward = "no reward" if row.measured.reward is None else f"reward {number(row.measured.reward)}"
    return line(Span(f"{sign} step {count(row.log.step)}, row {count(row.index)}", tone), f"  {reward}")


def _words(found: Difference) -> Iterator[Span]:
    """Word by word: [-what went-], {+what came+}."""
    for part in found.parts:
        opening, closing, tone = _MARKS[part.change]
        words = one_line(part.text.replace("\n", " ")).split()
        for at, word in enumerate(words):
            yield Span(f"{opening if at == 0 else ''}{word}{closing if at == len(words) - 1 else ''}", tone)


def _flowing(words: Iterable[Span], width: int) -> list[Line]:
    """Words on as many lines as they need."""
    rows: list[Line] = []
    row: list[Span] = []
    used = 0
    for word in words:
        for piece in wrapped(word.text, width, word.tone):
            if row and used + 1 + piece.width > width:
                rows.append(Line(tuple(row)))
                row, used = [], 0
            row += [Span(" "), *piece.spans] if row else piece.spans
            used += piece.width + (1 if used else 0)
    return [*rows, Line(tuple(row))] if row else rows
