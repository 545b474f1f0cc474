"""Who gets which part of the terminal: pure arithmetic on panels, sizes and wishes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rldk_tui.tui.panels import Panel, Place
from rldk_tui.tui.view import View

SMALLEST = (60, 15)
"""Below this many columns or rows there is room for a status line only."""
_WIDE = 116
_LEFT_SHARE = 0.6
_MOST_LEFT = 130
_BOTTOM_SHARE = 0.35
"""What the panels across the bottom may take from those above, where all want more than there is."""


@dataclass(frozen=True, slots=True)
class Rect:
    """A part of the body, in cells, its frame included."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Where each panel lies; `framed` is whether frames go all around or are a rule above only."""

    places: Mapping[str, Rect]
    framed: bool

    @property
    def frame(self) -> tuple[int, int]:
        """Columns and rows that a panel's frame takes."""
        return (4, 2) if self.framed else (0, 1)


def fits(width: int, height: int) -> bool:
    """Whether there is room for panels at all."""
    return width >= SMALLEST[0] and height >= SMALLEST[1]


def arrange(panels: Sequence[Panel], view: View, width: int, height: int, alone: str | None = None) -> Arrangement:
    """Every panel that finds room in a body of this size; `alone` names one that gets all of it."""
    if alone is not None:
        return Arrangement({alone: Rect(0, 0, width, height)}, framed=False)
    if width < _WIDE:
        stacked = _stack(panels, view, Rect(0, 0, width, height), frame=(0, 1))
        return Arrangement(stacked, framed=False)
    return Arrangement(_columns(panels, view, width, height), framed=True)


def _columns(panels: Sequence[Panel], view: View, width: int, height: int) -> dict[str, Rect]:
    """Two columns above and the panels of the bottom across both."""
    left = min(round(_LEFT_SHARE * width), _MOST_LEFT)
    by_place = {place: [panel for panel in panels if panel.place is place] for place in Place}
    widths = {Place.LEFT: left, Place.RIGHT: width - left, Place.BOTTOM: width}
    wishes = {place: sum(panel.wants(view, widths[place] - 4) + 2 for panel in members) for place, members in by_place.items()}
    upper = max(wishes[Place.LEFT], wishes[Place.RIGHT])
    least = sum(min(panel.least, panel.wants(view, width - 4)) + 2 for panel in by_place[Place.BOTTOM])
    bottom = max(least, min(wishes[Place.BOTTOM], max(height - upper, round(_BOTTOM_SHARE * height))))
    top = height - bottom
    return {
        **_stack(by_place[Place.LEFT], view, Rect(0, 0, left, top), frame=(4, 2)),
        **_stack(by_place[Place.RIGHT], view, Rect(left, 0, width - left, top), frame=(4, 2)),
        **_stack(by_place[Place.BOTTOM], view, Rect(0, top, width, bottom), frame=(4, 2)),
    }


def _stack(panels: Sequence[Panel], view: View, room: Rect, frame: tuple[int, int]) -> dict[str, Rect]:
    """Panels below one another: those that find room, the first ones first; what is over goes round who wants more."""
    chosen: list[Panel] = []
    heights: list[int] = []
    wishes: list[int] = []
    for panel in panels:
        wish = panel.wants(view, room.width - frame[0])
        least = min(panel.least, wish) + frame[1]
        if not chosen or sum(heights) + least <= room.height:
            chosen.append(panel)
            heights.append(least)
            wishes.append(wish + frame[1])
    over = room.height - sum(heights)
    while over > 0 and (wanting := [index for index, wish in enumerate(wishes) if wish > heights[index]]):
        for index in wanting[:over]:
            heights[index] += 1
        over -= min(over, len(wanting))
    if heights:
        heights[_roomiest(chosen)] += over
    places, y = {}, room.y
    for panel, height in zip(chosen, heights, strict=True):
        places[panel.name] = Rect(room.x, y, room.width, height)
        y += height
    return places


def _roomiest(panels: Sequence[Panel]) -> int:
    """Who gets rows that nobody asked for: the panel that asks for most as it is."""
    return max(range(len(panels)), key=lambda index: panels[index].least)
