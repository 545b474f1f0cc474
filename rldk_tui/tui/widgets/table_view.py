"""A table of any length: its lines are made when they are drawn, and their heading stays in sight."""

from __future__ import annotations

from textual.strip import Strip

from rldk_tui.tui.table_lines import TableLines
from rldk_tui.tui.widgets.scroll_view import ScrollView


class TableView(ScrollView):
    """Scrolls like any lines; nothing on them opens."""

    _heading: int | None = None

    def show_table(self, rows: TableLines, title: str) -> None:
        """Show these lines."""
        self._rows = rows
        self._heading = rows.heading
        self.entitle(title)
        self.action_move(0)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row; at the top the heading, where it has been scrolled away."""
        if y == 0 and self._heading is not None and self._top > self._heading:
            return self._strip(self._rows[self._heading], self.content_size.width)
        return super().render_line(y)
