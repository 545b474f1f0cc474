"""A page on top of the main screen: one long picture that scrolls."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from rldk_tui.tui.cells import Box, Page, Span, Tone, line
from rldk_tui.tui.screens.view_screen import ViewScreen
from rldk_tui.tui.view import View
from rldk_tui.tui.widgets.lines_view import LinesView
from rldk_tui.tui.widgets.scroll_view import ScrollView


class PageScreen(ViewScreen):
    """Shows a page of the run as it stands, and again whenever the run was looked at."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,backspace", "app.pop_screen", show=False)]
    DEFAULT_CSS = """
    PageScreen > #page { border: round $border; padding: 0 1; height: 1fr; }
    PageScreen > #page.ascii { border: ascii $border; }
    PageScreen > #keys { height: 1; background: $panel; }
    """

    def __init__(self, page: Page, view: View, *, ascii: bool) -> None:  # noqa: A002
        super().__init__()
        self._page = page
        self._view = view
        self._ascii = ascii

    def compose(self) -> ComposeResult:
        """The page and its keys."""
        yield ScrollView(id="page", ascii=self._ascii)
        yield LinesView(id="keys", ascii=self._ascii)

    def on_mount(self) -> None:
        """Draw for the first time."""
        self.query_one("#page").set_class(self._ascii, "ascii")
        self.query_one("#keys", LinesView).show((line(Span(" Esc back   ↑ ↓ scroll   q quit", Tone.DIM)),))
        self.query_one("#page").focus()

    def on_resize(self) -> None:
        """Draw for the new width."""
        self.call_after_refresh(self._draw)

    def show(self, view: View) -> None:
        """The run was looked at again."""
        self._view = view
        self._draw()

    def _draw(self) -> None:
        shown = self.query_one("#page", ScrollView)
        size = shown.content_size
        if size.width:
            rows = self._page.draw(self._view, Box(size.width, size.height, ascii=self._ascii))
            shown.show(rows, title=self._page.title)
