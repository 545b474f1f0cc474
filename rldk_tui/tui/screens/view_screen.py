"""A screen that shows a run, and is told whenever the run was looked at."""

from __future__ import annotations

from textual.screen import Screen

from rldk_tui.tui.view import View


class ViewScreen(Screen[None]):
    """Shows a view in whatever room there is."""

    def show(self, view: View) -> None:
        """The run was looked at again."""
        raise NotImplementedError
