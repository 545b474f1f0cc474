"""A widget that shows lines of cells and repaints only those that changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from rldk_tui.tui.cells import Line, Tone, changed_until, cut, in_ascii, in_few_tones


class LinesView(Widget):
    """Lines from the top, without a cursor."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*(f"tone--{tone.value}" for tone in Tone), "tone--cursor", "tone--shaded"}

    DEFAULT_CSS = """
    LinesView {
        & > .tone--plain { color: $foreground; }
        & > .tone--dim { color: $text-muted; }
        & > .tone--strong { color: $foreground; text-style: bold; }
        & > .tone--accent { color: $text-accent; text-style: bold; }
        & > .tone--chart { color: $text-primary; }
        & > .tone--good { color: $text-success; text-style: bold; }
        & > .tone--info { color: $text-secondary; }
        & > .tone--warning { color: $text-warning; }
        & > .tone--high { color: $text-error; text-style: bold; }
        & > .tone--critical { color: $text-error; text-style: bold reverse; }
        & > .tone--shaded { background: $surface-lighten-1; }
        & > .tone--cursor { background: $surface-lighten-2; }
        &:ansi > .tone--cursor { text-style: reverse; }
        &:ansi > .tone--dim { text-style: dim; }
    }
    """

    def __init__(self, *, id: str | None = None, ascii: bool = False, can_focus: bool = False) -> None:  # noqa: A002
        super().__init__(id=id)
        self.can_focus = can_focus
        self._ascii = ascii
        self._rows: Sequence[Line] = ()

    def show(self, rows: tuple[Line, ...]) -> None:
        """Show these lines; what is on the screen already is not painted again."""
        if self._ascii:
            rows = tuple(map(in_ascii, rows))
        old, self._rows = self._rows, rows
        if len(old) != len(rows):
            self.refresh()
            return
        self._repaint(0, old, rows)

    @property
    def rows(self) -> Sequence[Line]:
        """What is shown."""
        return self._rows

    def _repaint(self, top: int, before: Sequence[Line], after: Sequence[Line]) -> None:
        """Paint those of as many lines that differ; the first one of them lies in row `top`.

        Textual paints a line from its beginning, so nothing is saved by telling where in it the change begins.
        """
        width = self.content_size.width
        ends = [
            (y, min(width, changed_until(old, new)))
            for y, (old, new) in enumerate(zip(before, after, strict=True), top)
            if old != new
        ]
        changed = [Region(0, y, until, 1) for y, until in ends if until]
        if changed:
            self.refresh(*changed)

    def render_line(self, y: int) -> Strip:
        """One row, by Textual's line API."""
        width = self.content_size.width
        if y >= len(self._rows):
            return Strip.blank(width, self._style(Tone.PLAIN))
        return self._strip(self._rows[y], width)

    def _strip(self, shown: Line, width: int, *, cursor: bool = False) -> Strip:
        over = self.get_component_rich_style("tone--cursor", partial=True) if cursor else Style.null()
        shown = in_few_tones(in_ascii(cut(shown, width)) if self._ascii else cut(shown, width))
        segments = [Segment(span.text, self._style(span.tone, shaded=span.shaded) + over) for span in shown.spans]
        return Strip(segments).adjust_cell_length(width, self._style(Tone.PLAIN) + over)

    def _style(self, tone: Tone, *, shaded: bool = False) -> Style:
        style = self.get_component_rich_style(f"tone--{tone.value}")
        if not shaded:
            return style
        return style + Style(bgcolor=self.get_component_rich_style("tone--shaded").bgcolor)
