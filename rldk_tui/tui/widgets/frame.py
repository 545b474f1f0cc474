"""The frame of a panel, with its title."""

from __future__ import annotations

from textual.containers import Container


class Frame(Container):
    """What surrounds the lines of a panel, as a widget of its own.

    Textual paints a line of a widget from its beginning: a border of the lines themselves would be sent again with every
    value that changes in them.
    """
