"""Who gets which part of the terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.tui.layout import SMALLEST, Rect, arrange
from rldk_tui.tui.panels import load_panels
from tests.tui.runs import empty_view, full_view, healthy_view

VIEWS = (full_view(), healthy_view(), empty_view())


def cells(rect: Rect) -> set[tuple[int, int]]:
    return {(x, y) for x in range(rect.x, rect.x + rect.width) for y in range(rect.y, rect.y + rect.height)}


@given(view=st.sampled_from(VIEWS), width=st.integers(SMALLEST[0], 220), height=st.integers(SMALLEST[1] - 4, 60))
def test_panels_fill_the_body_without_overlap(view: object, width: int, height: int) -> None:
    places = arrange(load_panels(), view, width, height).places  # type: ignore[arg-type]
    taken = [cells(rect) for rect in places.values()]
    assert set.union(*taken) == cells(Rect(0, 0, width, height))
    assert sum(map(len, taken)) == width * height
    assert "findings" in places
    if width < 116:
        assert "metrics" in places or height < 18


def test_a_panel_alone_has_everything() -> None:
    assert arrange(load_panels(), VIEWS[0], 80, 20, alone="machine").places == {"machine": Rect(0, 0, 80, 20)}


@pytest.mark.parametrize("width", [80, 100])
def test_a_narrow_terminal_keeps_findings_and_metrics(width: int) -> None:
    assert {"findings", "metrics"} <= set(arrange(load_panels(), VIEWS[0], width, 20).places)
