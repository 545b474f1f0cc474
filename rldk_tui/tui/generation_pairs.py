"""Two answers to one prompt against each other, as lines for a shell: the words that changed, or two columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest

from rldk_tui.charts.format import count, number
from rldk_tui.charts.text import one_line
from rldk_tui.summary.generations.difference import Change, Difference, difference
from rldk_tui.summary.generations.pairs import Pair
from rldk_tui.summary.generations.sample import Sample
from rldk_tui.tui.cells import Line, Span, Tone, cut, line, wrapped
from rldk_tui.tui.generation_lines import EXCERPT_LINES, INDENT, LONGEST, MARK, Look, length_of, prompt_text, text_lines

_UNLIKE = 0.3
"""Likeness below which two texts are shown one after the other: of their words hardly any stayed."""


def pair_lines(pairs: Iterable[Pair], look: Look, *, beside: bool) -> Iterator[Line]:
    """Prompt by prompt, the best answer of the one step against the best of the other."""
    for index, pair in enumerate(pairs):
        if index:
            yield line()
        yield line(Span(f"prompt {pair.before.prompt_hash[:MARK]}", Tone.ACCENT))
        yield from prompt_text(pair.before.prompt, look)
        if beside:
            yield from _beside(pair, look)
            continue
        yield _answered("-", pair.before, pair.mean_before, pair.count_before)
        yield _answered("+", pair.after, pair.mean_after, pair.count_after)
        yield from _against(pair, difference(pair.before.completion, pair.after.completion), look)


def _answered(sign: str, sample: Sample, mean: float | None, amount: int) -> Line:
    reward = "no reward" if sample.reward is None else f"reward {number(sample.reward)}"
    others = "" if amount == 1 else f" (best of {count(amount)}, mean {number(mean)})"
    place = Span(f"  {sign} step {count(sample.step)}", Tone.HIGH if sign == "-" else Tone.GOOD)
    return line(place, f"  {reward}{others}", Span(f" · {length_of(sample)}", Tone.DIM))


def _against(pair: Pair, found: Difference, look: Look) -> Iterator[Line]:
    if found.likeness < _UNLIKE:
        for sign, tone, sample in (("  - ", Tone.HIGH, pair.before), ("  + ", Tone.GOOD, pair.after)):
            yield from text_lines(sample.completion, look, tone, 2 * EXCERPT_LINES, sign)
        return
    if found.likeness == 1 and not found.left_out:
        yield line(INDENT, Span("the same words", Tone.DIM))
    yield from _flowing(_words(found), look)
    if found.left_out:
        yield line(INDENT, Span(f"{count(found.left_out)} words further on were not compared", Tone.DIM))


def _words(found: Difference) -> Iterator[Span]:
    """Word by word: [-what went-], {+what came+}."""
    marks = {Change.REMOVED: ("[-", "-]", Tone.HIGH), Change.ADDED: ("{+", "+}", Tone.GOOD), Change.SAME: ("", "", Tone.PLAIN)}
    for part in found.parts:
        opening, closing, tone = marks[part.change]
        words = one_line(part.text.replace("\n", " "), LONGEST).split()
        for index, word in enumerate(words):
            yield Span(f"{opening if index == 0 else ''}{word}{closing if index == len(words) - 1 else ''}", tone)


def _flowing(words: Iterable[Span], look: Look) -> Iterator[Line]:
    """Words on as many lines as they need, the first ones of them unless all are wanted."""
    room = max(8, look.width - len(INDENT))
    row: list[Span] = []
    used = number_of_rows = 0
    for word in words:
        for piece in wrapped(word.text, room, word.tone):
            if row and used + 1 + piece.width > room:
                yield Line((Span(INDENT), *row))
                number_of_rows += 1
                row, used = [], 0
                if not look.full and number_of_rows == 4 * EXCERPT_LINES:
                    yield line(INDENT, Span("… more with --full", Tone.DIM))
                    return
            row += [Span(" "), *piece.spans] if row else piece.spans
            used += piece.width + (1 if used else 0)
    if row:
        yield Line((Span(INDENT), *row))


def _beside(pair: Pair, look: Look) -> Iterator[Line]:
    """Two columns, a rule between them."""
    room = max(8, (look.width - 3) // 2)
    columns = []
    before, after = (pair.before, pair.mean_before, pair.count_before), (pair.after, pair.mean_after, pair.count_after)
    for sample, mean, amount in (before, after):
        inner = Look(room + len(INDENT), look.full)
        head = cut(Line(_answered(" ", sample, mean, amount).spans[:2]), room)
        rows = list(text_lines(sample.completion, inner, Tone.PLAIN, 4 * EXCERPT_LINES, ""))
        columns.append([head, *(Line(tuple(span for span in row.spans if span.text != INDENT)) for row in rows)])
    for one, other in zip_longest(*columns, fillvalue=line()):
        yield Line((*one.spans, Span(" " * max(0, room - one.width)), Span(" │ ", Tone.DIM), *other.spans))
