"""Whatever a run logged, every picture of it can be drawn, in its box."""

from __future__ import annotations

import warnings
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rldk_tui.diagnosis.engine import Engine
from rldk_tui.run import RunStore
from rldk_tui.session import health_of
from rldk_tui.tui.cells import Box, Line
from rldk_tui.tui.chart_page import draw_chart
from rldk_tui.tui.chart_window import SMOOTHING, ChartWindow
from rldk_tui.tui.header import draw_header
from rldk_tui.tui.pages.config import config_page
from rldk_tui.tui.pages.finding import finding_page, issue_text
from rldk_tui.tui.pages.learning import learning_page
from rldk_tui.tui.pages.metric_card import metric_card
from rldk_tui.tui.pages.not_evaluated import not_evaluated_page
from rldk_tui.tui.panels import load_panels
from rldk_tui.tui.status import draw_status
from rldk_tui.tui.view import View, view_of
from tests.histories import History, histories

WINDOWS = st.builds(
    ChartWindow,
    width=st.one_of(st.none(), st.integers(1, 500)),
    last=st.one_of(st.none(), st.integers(0, 500)),
    at=st.one_of(st.none(), st.integers(-5, 500)),
    level=st.integers(0, len(SMOOTHING) - 1),
    log=st.booleans(),
)


def viewed(history: History) -> View:
    store = RunStore("any")
    for event, origin in history.events:
        store.add(event, origin)
    snapshot = store.snapshot(2e6, (), store.pulse(process_alive=None))
    return view_of(health_of(Path("any"), snapshot, Engine()))


def assert_fits(rows: tuple[Line, ...], width: int) -> None:
    assert all(row.width <= width for row in rows)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=25)
@given(history=histories(), window=WINDOWS, width=st.integers(56, 200), height=st.integers(10, 60), plain=st.booleans())
def test_every_picture_can_be_drawn(history: History, window: ChartWindow, width: int, height: int, plain: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        view = viewed(history)
        box = Box(width, height, ascii=plain)
        assert_fits(draw_header(view, box), width)
        assert_fits(draw_status(view, Box(40, 12, ascii=plain)), 40)
        for panel in load_panels():
            panel.draw(view, box)
        for name in [*view.metrics][:6]:
            assert_fits(draw_chart(view, name, window, box), width)
            metric_card(name).draw(view, box)
        for page in (config_page(), learning_page(), not_evaluated_page()):
            page.draw(view, box)
        for finding in view.health.findings:
            finding_page(finding).draw(view, box)
            assert issue_text(finding, view)
