"""The main screen: header, panels where the layout puts them, keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen

from rldk_tui.tui.cells import Box, Line, Span, Tone, cut, line, spread
from rldk_tui.tui.header import draw_header
from rldk_tui.tui.layout import Rect, arrange, fits
from rldk_tui.tui.panels import load_panels
from rldk_tui.tui.status import draw_status
from rldk_tui.tui.view import View
from rldk_tui.tui.waiting import draw_waiting
from rldk_tui.tui.widgets.lines_view import LinesView
from rldk_tui.tui.widgets.scroll_view import ScrollView

CHECKPOINTS = ("4", "checkpoints")
"""The key of a screen of its own."""
_KEYS = (("u", "not evaluated"), ("?", "help"), ("r", "report"), ("q", "quit"))


class MainScreen(Screen[None]):
    """Draws a view into whatever room there is; before there is one, says what it waits for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h,left", "app.focus_previous", show=False),
        Binding("l,right", "app.focus_next", show=False),
        Binding("0,escape", "alone('')", show=False),
        *(Binding(panel.key, f"alone('{panel.name}')", show=False) for panel in load_panels()),
    ]
    DEFAULT_CSS = """
    MainScreen {
        layout: vertical;
        & > #header { padding: 0 1; background: $panel; }
        & > #body { height: 1fr; }
        & > #message { padding: 1 2; height: 1fr; }
        & > #keys { height: 1; background: $panel; }
        & #body ScrollView { position: absolute; border: none; border-top: solid $border; border-title-color: $text-accent; }
        & #body ScrollView.framed { border: round $border; padding: 0 1; }
        & #body.ascii ScrollView { border-top: ascii $border; }
        & #body.ascii ScrollView.framed { border: ascii $border; }
        & #body ScrollView:focus { border-title-style: bold reverse; }
    }
    """

    def __init__(self, title: str, *, ascii: bool) -> None:  # noqa: A002
        super().__init__()
        self._run = title
        self._ascii = ascii
        self._view: View | None = None
        self._waited: float | None = None
        self._alone = ""
        self._held = False

    def compose(self) -> ComposeResult:
        """All panels are there from the start; the layout shows those that fit."""
        yield LinesView(id="header", ascii=self._ascii)
        yield LinesView(id="message", ascii=self._ascii)
        with Container(id="body", classes="ascii" if self._ascii else ""):
            for panel in load_panels():
                yield ScrollView(id=panel.name, ascii=self._ascii)
        yield LinesView(id="keys", ascii=self._ascii)

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._draw()

    def show(self, view: View) -> None:
        """The run was looked at again."""
        first = self._view is None
        self._view = view
        self._draw()
        if first:
            self.query_one(f"#{load_panels()[0].name}").focus()

    def wait(self, seconds: float) -> None:
        """There is still no run."""
        self._waited = seconds
        if self._view is None:
            self._draw()

    def hold(self, *, held: bool) -> None:
        """Say whether the screen stands still."""
        self._held = held
        self._draw()

    def action_alone(self, name: str) -> None:
        """Give one panel the whole body; again, or with no name, all of them their own."""
        self._alone = "" if name == self._alone else name
        self._draw()
        if self._alone:
            self.query_one(f"#{self._alone}").focus()

    def _draw(self) -> None:
        width, height = self.size
        if not width or not self.is_mounted:
            return
        view = self._view
        roomy = fits(width, height)
        header, message, body, keys = (self.query_one(f"#{name}") for name in ("header", "message", "body", "keys"))
        header.display = body.display = roomy and view is not None
        keys.display = roomy
        message.display = not body.display
        message.styles.padding = (1, 2) if roomy else 0
        self._lines("keys").show((self._key_line(width),))
        if view is None:
            self._lines("message").show(draw_waiting(self._run, self._waited, Box(width - 4, height)))
        elif not roomy:
            self._lines("message").show(draw_status(view, Box(width, height, ascii=self._ascii)))
        else:
            self._draw_panels(view, width, height)

    def _draw_panels(self, view: View, width: int, height: int) -> None:
        lines = draw_header(view, Box(width - 2, ascii=self._ascii))
        self._lines("header").styles.height = len(lines)
        self._lines("header").show(lines)
        room = (width, height - len(lines) - 1)
        arrangement = arrange(load_panels(), view, *room, alone=self._alone or None)
        across, down = arrangement.frame
        for panel in load_panels():
            shown = self.query_one(f"#{panel.name}", ScrollView)
            place = arrangement.places.get(panel.name)
            shown.display = place is not None
            if place is None:
                continue
            self._put(shown, place, framed=arrangement.framed)
            box = Box(place.width - across, max(1, place.height - down), ascii=self._ascii)
            drawing = panel.draw(view, box)
            shown.show(drawing.lines, drawing.footer, f"{panel.key} {panel.name.capitalize()}", drawing.note)

    def _put(self, shown: ScrollView, place: Rect, *, framed: bool) -> None:
        shown.set_class(framed, "framed")
        shown.styles.offset = (place.x, place.y)
        shown.styles.width, shown.styles.height = place.width, place.height

    def _lines(self, name: str) -> LinesView:
        return self.query_one(f"#{name}", LinesView)

    def _key_line(self, width: int) -> Line:
        digits = sorted([*((panel.key, panel.name) for panel in load_panels()), CHECKPOINTS])
        rest = [("Enter" if self._ascii else "⏎", "open"), *_KEYS]
        shown = _keys([*digits, *rest]) if self._view is not None else _keys(_KEYS[-1:])
        if shown.width > width:
            shown = _keys([(f"{digits[0][0]}–{digits[-1][0]}", "panels"), *rest])
        if self._held:
            return spread(shown, line(Span(" HELD: Space goes on ", Tone.WARNING)), width)
        return cut(shown, width)


def _keys(keys: Sequence[tuple[str, str]]) -> Line:
    spans = [Span(" ")]
    for key, meaning in keys:
        spans += [Span(key, Tone.ACCENT), Span(f" {meaning}", Tone.DIM), Span("  ")]
    return Line(tuple(spans[:-1]))
