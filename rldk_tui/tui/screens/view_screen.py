"""A screen that shows a run, and is told whenever the run was looked at."""

from __future__ import annotations

from textual.screen import Screen

from rldk_tui.tui.cells import Box
from rldk_tui.tui.view import View
from rldk_tui.tui.widgets.lines_view import LinesView
from rldk_tui.tui.widgets.scroll_view import ScrollView


class ViewScreen(Screen[None]):
    """Shows a view in whatever room there is.

    Attributes:
        keys: Its own keys, each with what it does, for its foot and for the help.
        around: Columns and rows that its frame and the line of keys take.
    """

    keys: tuple[tuple[str, str], ...] = ()
    around: tuple[int, int] = (4, 3)
    _ascii = False

    @property
    def room(self) -> Box:
        """What the terminal has for what is shown: known before anything is laid out, so the first paint shows it already."""
        (width, height), (across, down) = self.app.size, self.around
        return Box(max(1, width - across), max(1, height - down), ascii=self._ascii)

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
