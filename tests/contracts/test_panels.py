"""Every panel of the folder draws a healthy run, an empty run and a small terminal."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from rldk_tui.tui.cells import Box, Line, in_ascii
from rldk_tui.tui.panels import Panel, load_panels
from rldk_tui.tui.view import View
from tests.tui.runs import empty_view, full_view, healthy_view

VIEWS = {"healthy": healthy_view(), "troubled": full_view(), "empty": empty_view()}
BOXES = (Box(40, 12), Box(60, 6), Box(80, 20), Box(200, 50), Box(20, 1), Box(80, None, ascii=True), Box(80, None, live=False))
PANELS = load_panels()


def test_panels_have_their_own_names_keys_and_places_in_order() -> None:
    for attribute in ("name", "key", "order"):
        assert len({getattr(panel, attribute) for panel in PANELS}) == len(PANELS)


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.name)
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
@pytest.mark.parametrize("box", BOXES, ids=str)
def test_a_panel_draws_whatever_there_is_into_its_box(panel: Panel, view: View, box: Box) -> None:
    drawing = panel.draw(view, box)
    assert drawing.lines, "a panel with nothing to show says so"
    assert panel.wants(view, box.width) >= 1
    for row in (*drawing.lines, *drawing.footer):
        assert row.text.isprintable()
        if box.width >= 40:
            assert row.width <= box.width, row.text
        assert ascii_of(row).isascii()


def ascii_of(row: Line) -> str:
    shown = in_ascii(row)
    assert cell_len(shown.text) == row.width
    return shown.text
