"""A line to type what is searched for, at the foot of the screen."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input

from rldk_tui.charts.text import to_ascii


class SearchLine(Input):
    """⏎ searches, Esc leaves; either way the line goes away."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]
    DEFAULT_CSS = """
    SearchLine { dock: bottom; height: 1; border: none; padding: 0 1; background: $panel; }
    SearchLine:focus { border: none; }
    """

    class Given(Message):
        """Something was typed; "" if it was left."""

        def __init__(self, text: str) -> None:
            self.text = text
            super().__init__()

    def __init__(self, text: str = "", placeholder: str = "search, then ⏎") -> None:
        super().__init__(value=text, placeholder=placeholder, compact=True, select_on_focus=True)

    def on_mount(self) -> None:
        """What is typed is meant for it."""
        if self.app.has_class("ascii"):
            self.placeholder = to_ascii(self.placeholder, cell_len)
        self.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """⏎."""
        event.stop()
        self.post_message(self.Given(self.value))
        self.remove()

    def action_leave(self) -> None:
        """Esc."""
        self.post_message(self.Given(""))
        self.remove()

    def on_key(self, event: events.Key) -> None:
        """Keys of the screens below mean letters here."""
        if event.is_printable:
            event.stop()


async def opened(screen: Screen[Any], typed: SearchLine) -> None:
    """Put the line on a screen; whoever awaits it gets no further key before the line has them."""
    await screen.mount(typed)
    screen.set_focus(typed)
