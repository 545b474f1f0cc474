"""A page on top of the main screen: one long picture that scrolls and can be searched."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from rldk_tui.tui.cells import Page
from rldk_tui.tui.key_line import key_line
from rldk_tui.tui.screens.view_screen import ViewScreen
from rldk_tui.tui.view import View
from rldk_tui.tui.widgets.lines_view import LinesView
from rldk_tui.tui.widgets.scroll_view import ScrollView

if TYPE_CHECKING:
    from rldk_tui.tui.widgets.search_line import SearchLine


class PageScreen(ViewScreen):
    """Shows a page of the run as it stands, and again whenever the run was looked at."""

    keys: tuple[tuple[str, str], ...] = (
        ("Esc", "back"),
        ("↑ ↓", "scroll"),
        ("⏎", "open"),
        ("/", "search"),
        ("n N", "next"),
        ("c", "copy"),
        ("?", "help"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "app.pop_screen", show=False),
        Binding("slash", "search", show=False, priority=True),
        Binding("n", "again(1)", show=False),
        Binding("N", "again(-1)", show=False),
    ]
    DEFAULT_CSS = """
    PageScreen > #page { border: round $border; padding: 0 1; height: 1fr; border-title-color: $text-accent; }
    PageScreen > #page.ascii { border: ascii $border; }
    PageScreen > #keys { height: 1; background: $panel; }
    """

    def __init__(self, page: Page, view: View, *, ascii: bool) -> None:  # noqa: A002
        super().__init__()
        self.page = page
        self._view = view
        self._ascii = ascii
        self._wanted = ""

    def compose(self) -> ComposeResult:
        """The page and its keys."""
        yield ScrollView(id="page", ascii=self._ascii)
        yield LinesView(id="keys", ascii=self._ascii)

    def on_mount(self) -> None:
        """Draw for the first time."""
        self.query_one("#page").set_class(self._ascii, "ascii")
        self.query_one("#page").focus()
        self.draw()

    def on_resize(self) -> None:
        """Draw for the new width."""
        self.draw()

    def show(self, view: View) -> None:
        """The run was looked at again."""
        self._view = view
        self.draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 # Textual's signature
        """While something is typed, a slash is one."""
        return action != "search" or not self.query("SearchLine")

    async def action_search(self) -> None:
        """Ask what to search for."""
        from rldk_tui.tui.widgets.search_line import SearchLine, opened

        if not self.query(SearchLine):
            await opened(self, SearchLine(self._wanted))

    def on_search_line_given(self, message: SearchLine.Given) -> None:
        """Search from the top, or from here on if nothing was given but before."""
        self._wanted = message.text or self._wanted
        self.query_one("#page").focus()
        self.action_again(0)

    def action_again(self, by: int) -> None:
        """The next or the previous place of what was searched for."""
        if self._wanted and not self.query_one("#page", ScrollView).find(self._wanted, by):
            self.notify(f"{self._wanted!r} is not on this page.", severity="warning", markup=False)

    def draw(self) -> None:
        """Draw what there is now."""
        if not self.children:
            return
        rows = self.page.draw(self._view, self.room)
        self.query_one("#page", ScrollView).show(rows, title=self.page.title)
        self.query_one("#keys", LinesView).show((key_line(self.keys, self.app.size.width),))
