"""The frame of a panel, with its title."""

from __future__ import annotations

from textual.containers import Container


class Frame(Container):
    """A widget of its own, not the border of what it holds: Textual paints a line of a widget from its beginning, so a frame
    that belonged to the lines would be sent again with every value that changes in them."""
