"""The panels of the main screen, one file each, found by a walk of this folder.

A panel is a module with a constant `PANEL`. It draws a view into a box: lines of cells, nothing of a terminal, so the same
picture is shown live and printed by `--once`. To add one: a file here; the layout finds it room by `order`, `place`,
`least` and `wants`.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import import_module

from rldk_tui.tui.cells import Box, Drawing
from rldk_tui.tui.view import View


class Place(StrEnum):
    """Where a panel lies when the terminal is wide; in a narrow one they lie below one another."""

    LEFT = "left"
    RIGHT = "right"
    BOTTOM = "bottom"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One part of the main screen.

    Attributes:
        name: Its title in lower case, which is also its id.
        key: The digit that gives it the whole screen.
        order: Reading order, and who stays when there is no room for all: 1 longest.
        least: Rows below which it is not worth showing, its frame not counted.
        wants: Rows it can use in so many columns.
        draw: The picture.
    """

    name: str
    key: str
    order: int
    place: Place
    least: int
    wants: Callable[[View, int], int]
    draw: Callable[[View, Box], Drawing]


@cache
def load_panels() -> tuple[Panel, ...]:
    """Every panel, in reading order."""
    found = [import_module(f"{__name__}.{module.name}").PANEL for module in pkgutil.iter_modules(__path__)]
    return tuple(sorted(found, key=lambda panel: panel.order))


def panel_named(name: str) -> Panel:
    """The panel of this name."""
    return next(panel for panel in load_panels() if panel.name == name)
