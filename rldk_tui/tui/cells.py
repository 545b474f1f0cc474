"""Lines of text cells with tones: what every picture of the monitor is made of, whoever shows it.

Text goes in as text and is never read as markup; what a terminal would obey becomes a visible symbol on its way in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from rich.cells import cell_len, chop_cells, set_cell_size

from rldk_tui.charts.glyphs import ASCII, BLOCK, BRAILLE, Glyphs
from rldk_tui.charts.text import one_line, to_ascii

if TYPE_CHECKING:
    from rldk_tui.tui.view import View


class Tone(StrEnum):
    """What a piece of text is to the eye; a theme gives it a colour, and none of them is all that tells."""

    PLAIN = "plain"
    DIM = "dim"
    STRONG = "strong"
    ACCENT = "accent"
    CHART = "chart"
    GOOD = "good"
    INFO = "info"
    WARNING = "warning"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line in one tone; `shaded` sets it off from what is around it, where a terminal has colours."""

    text: str
    tone: Tone = Tone.PLAIN
    shaded: bool = False

    def __post_init__(self) -> None:
        if not self.text.isprintable():
            object.__setattr__(self, "text", one_line(self.text))

    @property
    def width(self) -> int:
        """Cells it takes."""
        return cell_len(self.text)


@dataclass(frozen=True, slots=True)
class Box:
    """The room for a picture.

    Attributes:
        height: None where there is no end to it.
        ascii: Whether charts are to be drawn with plain characters.
        live: Whether keys can be pressed; printed pages name none.
    """

    width: int
    height: int | None = None
    ascii: bool = False
    live: bool = True

    @property
    def glyphs(self) -> Glyphs:
        """What one-row charts are drawn with."""
        return ASCII if self.ascii else BLOCK

    @property
    def plot_glyphs(self) -> Glyphs:
        """What charts of several rows are drawn with."""
        return ASCII if self.ascii else BRAILLE


@dataclass(frozen=True, slots=True)
class Page:
    """A screenful that opens from a line. Two pages of the same key are the same page."""

    key: str
    title: str = field(compare=False)
    draw: Callable[[View, Box], tuple[Line, ...]] = field(compare=False)


@dataclass(frozen=True, slots=True)
class MetricPage(Page):
    """Leads to a metric's chart; `draw` is its card, for a terminal too small for a chart.

    Attributes:
        step: Where the crosshair stands at first; None for the newest log.
    """

    metric: str
    step: int | None = None


@dataclass(frozen=True, slots=True)
class FindingPage(Page):
    """Leads to a finding."""

    finding: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of spans, and what ⏎ opens on it."""

    spans: tuple[Span, ...] = ()
    opens: Page | None = None

    @property
    def width(self) -> int:
        """Cells it takes."""
        return sum(span.width for span in self.spans)

    @property
    def text(self) -> str:
        """The line without its tones."""
        return "".join(span.text for span in self.spans)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A panel's picture: lines that may scroll, lines that stay below them, and a word beside the title."""

    lines: tuple[Line, ...]
    footer: tuple[Line, ...] = ()
    note: str = ""


def line(*parts: str | Span, opens: Page | None = None) -> Line:
    """A line of these parts."""
    spans = (part if isinstance(part, Span) else Span(part) for part in parts)
    return Line(tuple(span for span in spans if span.text), opens)


def left(text: str, width: int) -> str:
    """The text at the left of so many cells, cut with an ellipsis where it is longer."""
    text = one_line(text)
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, width - 1) + "…" if width > 0 else ""


def tail(text: str, width: int) -> str:
    """The end of the text in so many cells, for names whose ends tell them apart."""
    text = one_line(text)
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    text = text[-4 * max(1, width) :]
    while cell_len(text) > width - 1:
        text = text[1:]
    return set_cell_size(f"…{text}", width) if width > 0 else ""


def right(text: str, width: int) -> str:
    """The text at the right of so many cells."""
    return " " * max(0, width - cell_len(text)) + text if cell_len(text) <= width else left(text, width)


def cut(shown: Line, width: int) -> Line:
    """The line in at most so many cells."""
    if shown.width <= width:
        return shown
    spans, room = [], width
    for span in shown.spans:
        if span.width >= room:
            spans.append(Span(left(span.text + " " * width, room), span.tone, span.shaded))
            break
        spans.append(span)
        room -= span.width
    return Line(tuple(spans), shown.opens)


def spread(first: Line, last: Line, width: int) -> Line:
    """One line at the left and one at the right end of so many cells; the left one gives way."""
    first = cut(first, max(0, width - last.width - 1))
    gap = Span(" " * max(0, width - first.width - last.width))
    return Line((*first.spans, gap, *last.spans), first.opens)


def wrapped(text: str, width: int, tone: Tone = Tone.PLAIN, indent: str = "") -> tuple[Line, ...]:
    """Text over as many lines as it needs, broken at spaces where there are any."""
    room = max(8, width - cell_len(indent))
    return tuple(line(indent, Span(row, tone)) for row in _folded(one_line(text), room))


def _folded(text: str, width: int) -> list[str]:
    rows: list[str] = []
    while True:
        ahead = text[: 4 * width]
        if len(ahead) == len(text) and cell_len(text) <= width:
            return [*rows, text]
        head = chop_cells(ahead, width)[0]
        if len(head) == len(text):
            return [*rows, text]
        at = head.rfind(" ") if text[len(head)] != " " else len(head)
        if at > 0 and head[:at].strip():
            rows.append(head[:at])
            text = text[at + 1 :]
        else:
            rows.append(head)
            text = text[len(head) :]


def changed_until(before: Line, after: Line) -> int:
    """The cell behind the last one in which two lines differ; 0 where they are the same to the eye."""
    widths = before.width, after.width
    if before.opens != after.opens or widths != (len(before.text), len(after.text)):
        return max(widths)
    first, second = list(before.spans), list(after.spans)
    while widths[0] == widths[1] and first and second and first[-1] == second[-1]:
        first.pop()
        second.pop()
    old, new = _styled(first), _styled(second)
    width = max(len(old), len(new))
    return next((at + 1 for at in reversed(range(width)) if old[at : at + 1] != new[at : at + 1]), 0)


def in_few_tones(shown: Line) -> Line:
    """The line with as few spans as show the same: blanks have no colour of their own, and every change of tone costs bytes."""
    spans: list[Span] = []
    for span in shown.spans:
        last = spans[-1] if spans else None
        same = last is not None and last.shaded == span.shaded and last.tone is not Tone.CRITICAL
        if last is not None and same and (last.tone is span.tone or (span.text.isspace() and span.tone is not Tone.CRITICAL)):
            spans[-1] = Span(last.text + span.text, last.tone, last.shaded)
        else:
            spans.append(span)
    return Line(tuple(spans), shown.opens)


def _styled(spans: list[Span]) -> list[tuple[str, Tone, bool]]:
    return [(char, span.tone, span.shaded) for span in spans for char in span.text]


def in_ascii(shown: Line) -> Line:
    """The same line in ASCII alone, cell for cell."""
    return Line(tuple(Span(to_ascii(span.text, cell_len), span.tone, span.shaded) for span in shown.spans), shown.opens)
