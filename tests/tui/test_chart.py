"""The chart screen: what it shows at a step, and how one moves about in it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.events import Algorithm
from rldk_tui.tui.app import MonitorApp
from rldk_tui.tui.cells import Box
from rldk_tui.tui.chart_page import draw_chart
from rldk_tui.tui.chart_window import ChartWindow, smoothed
from rldk_tui.tui.messages import HealthUpdated
from rldk_tui.tui.screens.chart import ChartScreen
from rldk_tui.tui.screens.page import PageScreen
from tests.builders import a_run
from tests.tui.conftest import Settled
from tests.tui.runs import full_view, health_of_run, healthy_run, view_of_run
from tests.tui.test_journeys import shown

EXTENT = (1, 1000)


@given(
    moves=st.lists(
        st.one_of(
            st.tuples(st.just("zoom"), st.sampled_from([0.5, 2.0])),
            st.tuples(st.just("pan"), st.sampled_from([-0.5, 0.5])),
            st.tuples(st.just("point"), st.integers(-300, 300)),
        ),
        max_size=30,
    )
)
def test_wherever_one_goes_the_window_lies_in_the_run_and_the_crosshair_in_the_window(moves: list[tuple[str, float]]) -> None:
    steps, window = np.arange(1, 1001), ChartWindow()
    for kind, by in moves:
        if kind == "zoom":
            window = window.zoomed(by, EXTENT)
        elif kind == "pan":
            window = window.panned(by, EXTENT)
        else:
            window = window.stepped(int(by), steps, EXTENT)
            first, last = window.bounds(EXTENT)
            assert first <= (window.at or last) <= last
        first, last = window.bounds(EXTENT)
        assert 1 <= first < last <= 1000


def test_the_crosshair_stays_where_it_is_on_the_screen_when_zooming() -> None:
    window = ChartWindow(at=501).zoomed(0.5, EXTENT)
    first, last = window.bounds(EXTENT)
    assert abs((501 - first) / (last - first) - 0.5) < 0.01


def test_a_window_at_the_end_follows_the_run() -> None:
    window = ChartWindow().zoomed(0.5, EXTENT)
    assert window.bounds((1, 1200))[1] == 1200


@given(
    values=st.lists(st.one_of(st.floats(-10, 10), st.just(math.nan), st.just(math.inf)), max_size=40), logs=st.integers(1, 10)
)
def test_the_mean_is_that_of_what_was_logged_by_then(values: list[float], logs: int) -> None:
    for at, mean in enumerate(smoothed(np.array(values), logs)):
        known = [value for value in values[max(0, at + 1 - logs) : at + 1] if math.isfinite(value)]
        assert math.isnan(mean) if not known else abs(mean - sum(known) / len(known)) < 1e-9


@pytest.mark.parametrize("size", [(56, 10), (76, 22), (118, 34), (248, 78)])
@pytest.mark.parametrize("window", [ChartWindow(), ChartWindow(at=30, width=10, last=35, level=2), ChartWindow(log=True)])
def test_it_fills_its_box_and_no_more(size: tuple[int, int], window: ChartWindow) -> None:
    view = full_view()
    view = replace(view, baseline=health_of_run(healthy_run()).snapshot)
    for name in (*view.metrics, "never/logged"):
        rows = draw_chart(view, name, window, Box(*size))
        assert len(rows) <= size[1]
        assert all(row.width <= size[0] for row in rows)


def test_values_are_exact_at_the_crosshair_in_every_chart_and_beside_the_baseline() -> None:
    view = view_of_run(health_of_run(healthy_run()))
    other = health_of_run(healthy_run().with_metrics(reward=[0.123] * 60), name="baseline").snapshot
    text = "\n".join(row.text for row in draw_chart(replace(view, baseline=other), "reward", ChartWindow(at=31), Box(118, 34)))
    assert "step 31  0.45" in text
    assert "baseline 0.123" in text
    assert "KL to reference 0.05" in text


def test_what_is_no_number_and_what_is_not_there_is_said() -> None:
    run = a_run(Algorithm.GRPO).with_metrics(reward=[1.0, math.nan, None, 2.0], kl=[-1.0, -2.0, 0.0, -3.0])
    view = view_of_run(health_of_run(run))
    shown_at = {at: "\n".join(row.text for row in draw_chart(view, "reward", ChartWindow(at=at), Box(80, 20))) for at in (2, 3)}
    assert "step 2  nan" in shown_at[2]
    assert "step 3  None" in shown_at[3]
    assert "×" in shown_at[2]
    assert "○" in shown_at[2]
    assert "nothing above 0" in "\n".join(row.text for row in draw_chart(view, "kl", ChartWindow(log=True), Box(80, 20)))


async def test_a_metric_opens_and_every_key_does_its_part(settled: Settled) -> None:
    app = MonitorApp()
    async with app.run_test(size=(120, 36)) as pilot:
        app.post_message(HealthUpdated(full_view()))
        await settled(pilot)
        await pilot.press("1", "down", "enter")
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, ChartScreen)
        assert "KL to reference" in shown(app, "chart")
        assert "step 60  6" in shown(app, "chart")
        await pilot.press("left", "left")
        assert "step 58" in shown(app, "chart")
        await pilot.press("H")
        assert "step 48" in shown(app, "chart")
        await pilot.press("up")
        assert "of 60" in shown(app, "chart")
        await pilot.press("pageup", "plus", "y")
        assert "mean of 5 logs · log scale" in shown(app, "chart")
        await pilot.press("left_square_bracket")
        assert "step 7 " in shown(app, "chart")
        await pilot.press("0")
        assert screen.window == ChartWindow(level=1, log=True)
        await pilot.press("y", "minus")
        await pilot.press("M")
        assert "Entropy  1" not in shown(app, "chart")
        await pilot.press("tab")
        assert shown(app, "chart").startswith("Entropy")
        await pilot.press("shift+tab", "i")
        await settled(pilot)
        assert isinstance(app.screen, PageScreen)
        await pilot.press("escape", "escape")
        assert not isinstance(app.screen, ChartScreen)


async def test_the_mouse_points_and_zooms(settled: Settled) -> None:
    app = MonitorApp()
    async with app.run_test(size=(120, 36)) as pilot:
        app.post_message(HealthUpdated(full_view()))
        await settled(pilot)
        await pilot.press("1", "enter")
        await settled(pilot)
        await pilot.click("#chart", offset=(65, 10))
        assert "step 31" in shown(app, "chart")
        await pilot.hover("#chart", offset=(65, 10))


async def test_a_chart_goes_on_with_the_run_and_its_crosshair_stays(settled: Settled) -> None:
    app = MonitorApp()
    async with app.run_test(size=(100, 30)) as pilot:
        app.post_message(HealthUpdated(view_of_run(health_of_run(healthy_run(40)))))
        await settled(pilot)
        await pilot.press("1", "enter", "left")
        app.post_message(HealthUpdated(view_of_run(health_of_run(healthy_run(60)))))
        await settled(pilot)
        assert "step 39 " in shown(app, "chart")
        await pilot.press("G")
        assert "step 60 " in shown(app, "chart")
