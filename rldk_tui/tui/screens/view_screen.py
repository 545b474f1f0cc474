"""A screen that shows a run, and is told whenever the run was looked at."""

from __future__ import annotations

from textual.screen import Screen

from rldk_tui.tui.view import View
from rldk_tui.tui.widgets.lines_view import LinesView
from rldk_tui.tui.widgets.scroll_view import ScrollView


class ViewScreen(Screen[None]):
    """Shows a view in whatever room there is.

    Attributes:
        keys: Its own keys, each with what it does, for its foot and for the help.
    """

    keys: tuple[tuple[str, str], ...] = ()

    def show(self, view: View) -> None:
        """The run was looked at again."""
        raise NotImplementedError

    def as_text(self) -> str:
        """What is on it, for the clipboard."""
        shown = [widget for widget in self.query(LinesView) if widget.id != "keys" and widget.display]
        parts = [
            widget.text if isinstance(widget, ScrollView) else "\n".join(row.text.rstrip() for row in widget.rows)
            for widget in shown
        ]
        return "\n".join(part.rstrip() for part in parts if part.strip()) + "\n"
