"""What a person does with the monitor, key by key."""

from __future__ import annotations

from typing import Any

import pytest
from textual.app import App
from textual.strip import Strip

from rldk_tui.events import Completion, Completions
from rldk_tui.tui.app import MonitorApp
from rldk_tui.tui.messages import HealthUpdated, Waiting
from rldk_tui.tui.screens.page import PageScreen
from rldk_tui.tui.widgets.lines_view import LinesView
from rldk_tui.tui.widgets.scroll_view import ScrollView
from tests.builders import a_run
from tests.tui.conftest import Settled
from tests.tui.runs import completions, empty_view, full_view, health_of_run, healthy_run, troubled_run, view_of_run

HOSTILE = "\x1b[31mred\x1b]0;owned\x07 [bold]markup[/bold] [@click=app.quit]x[/] \u202ereversed \x9b2J"


def shown(app: App[Any], *names: str) -> str:
    """The text of these widgets, or of everything that is displayed."""
    wanted = [app.screen.query_one(f"#{name}", LinesView) for name in names] or list(app.screen.query(LinesView))
    return "\n".join(
        widget.text if isinstance(widget, ScrollView) else "\n".join(row.text for row in widget.rows) for widget in wanted
    )


def panel(app: App[Any], name: str) -> ScrollView:
    return app.screen.query_one(f"#{name}", ScrollView)


async def test_the_first_frame_says_what_is_being_read() -> None:
    app = MonitorApp(title="runs/x")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "reading runs/x" in shown(app, "message")


async def test_a_run_that_is_not_there_yet_is_waited_for_and_then_shown(settled: Settled) -> None:
    app = MonitorApp(title="runs/x")
    async with app.run_test(size=(80, 24)) as pilot:
        app.post_message(Waiting(65.0))
        await settled(pilot)
        assert "waiting 1 min for runs/x to appear" in shown(app, "message")
        assert "callbacks=[RLDKCallback()]" in shown(app, "message")
        app.post_message(HealthUpdated(empty_view()))
        await settled(pilot)
        assert not app.screen.query_one("#message").display
        assert "No metric has been logged yet" in shown(app, "metrics")


async def test_a_run_that_grows_is_followed(settled: Settled) -> None:
    app = MonitorApp()
    async with app.run_test(size=(120, 36)) as pilot:
        for steps in (20, 40):
            app.post_message(HealthUpdated(view_of_run(health_of_run(healthy_run(steps)))))
            await settled(pilot)
            assert f"step {steps} / 200" in shown(app, "header")


async def test_a_directory_that_vanished_leaves_the_last_known_on_the_screen(settled: Settled) -> None:
    app = MonitorApp()
    async with app.run_test(size=(120, 36)) as pilot:
        app.post_message(HealthUpdated(view_of_run(health_of_run(healthy_run()), gone=True)))
        await settled(pilot)
        assert "DIRECTORY GONE" in shown(app, "header")
        assert "Reward" in shown(app, "metrics")


async def test_a_finding_opens_and_closes(settled: Settled) -> None:
    app = MonitorApp()
    async with app.run_test(size=(100, 60)) as pilot:
        app.post_message(HealthUpdated(full_view()))
        await settled(pilot)
        assert panel(app, "findings").has_focus
        await pilot.press("j", "k", "enter")
        await settled(pilot)
        text = shown(app, "page")
        for part in ("truncation", "Truncated share", "limit 0.95", "Cause", "max_completion_length", "What it means"):
            assert part in text
        await pilot.press("escape")
        assert not isinstance(app.screen, PageScreen)


async def test_an_open_page_follows_the_run(settled: Settled) -> None:
    app = MonitorApp()
    async with app.run_test(size=(100, 60)) as pilot:
        app.post_message(HealthUpdated(view_of_run(health_of_run(troubled_run(60)))))
        await settled(pilot)
        await pilot.press("G", "enter")
        await settled(pilot)
        assert "60" in shown(app, "page")
        app.post_message(HealthUpdated(view_of_run(health_of_run(troubled_run(75)))))
        await settled(pilot)
        assert "75" in shown(app, "page")


async def test_a_finding_with_causes_is_read_from_its_head_to_the_end_of_its_manual(settled: Settled) -> None:
    app = MonitorApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.post_message(HealthUpdated(view_of_run(health_of_run(troubled_run(60)))))
        await settled(pilot)
        await pilot.press("2", "down", "enter")
        await settled(pilot)
        assert "Follows from" in shown(app, "page")
        page = panel(app, "page")
        assert "nonfinite-metric" in page.render_line(0).text, "a page opens at its head"
        for _ in range(12):
            await pilot.press("pagedown")
        await settled(pilot)
        assert "more below" not in str(page.border_title)


async def test_what_is_not_known_is_a_key_away(settled: Settled) -> None:
    app = MonitorApp()
    async with app.run_test(size=(100, 60)) as pilot:
        app.post_message(HealthUpdated(full_view()))
        await settled(pilot)
        assert "1 read problem · 1 extraction error" in shown(app, "findings")
        await pilot.press("u")
        await settled(pilot)
        for part in ("kl-negative", "line is no JSON (2 times)", "line 17", "the value was no number"):
            assert part in shown(app, "page")


async def test_a_completion_opens_in_full(settled: Settled) -> None:
    app = MonitorApp()
    text = "first line\n  indented 世界\n" + "word " * 60
    async with app.run_test(size=(80, 40)) as pilot:
        app.post_message(HealthUpdated(view_of_run(health_of_run(healthy_run(), completions(text, "short")))))
        await settled(pilot)
        await pilot.press("3", "enter")
        await settled(pilot)
        page = shown(app, "page")
        assert "first line" in page
        assert "  indented 世界" in page
        assert page.partition("Group")[0].count("word") == 60  # below it, each of its group stands with its first words
        assert "cut off before it ended" in page


async def test_digits_give_a_panel_the_whole_screen_and_back(settled: Settled) -> None:
    app = MonitorApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.post_message(HealthUpdated(full_view()))
        await settled(pilot)
        await pilot.press("6")
        await settled(pilot)
        assert panel(app, "machine").has_focus
        assert [name for name in ("metrics", "findings", "machine", "generations") if panel(app, name).display] == ["machine"]
        await pilot.press("0")
        await settled(pilot)
        assert panel(app, "metrics").display


async def test_tab_and_arrows_go_from_panel_to_panel(settled: Settled) -> None:
    app = MonitorApp()
    async with app.run_test(size=(120, 36)) as pilot:
        app.post_message(HealthUpdated(full_view()))
        await settled(pilot)
        seen = []
        for key in ("tab", "right", "l"):
            await pilot.press(key)
            seen.append(app.focused.id if app.focused else None)
        assert seen == ["metrics", "generations", "machine"]
        await pilot.press("h", "shift+tab")
        assert app.focused is panel(app, "metrics")


async def test_space_holds_the_screen_still_and_goes_on(settled: Settled) -> None:
    app = MonitorApp()
    async with app.run_test(size=(120, 36)) as pilot:
        app.post_message(HealthUpdated(view_of_run(health_of_run(healthy_run(20)))))
        await settled(pilot)
        await pilot.press("space")
        app.post_message(HealthUpdated(view_of_run(health_of_run(healthy_run(40)))))
        await settled(pilot)
        assert "step 20" in shown(app, "header")
        assert "HELD" in shown(app, "keys")
        await pilot.press("space")
        app.post_message(HealthUpdated(view_of_run(health_of_run(healthy_run(40)))))
        await settled(pilot)
        assert "step 40" in shown(app, "header")


@pytest.mark.parametrize("size", [(200, 50), (80, 24), (59, 20), (40, 12), (30, 4)])
async def test_every_size_has_a_screen(size: tuple[int, int], settled: Settled) -> None:
    app = MonitorApp()
    async with app.run_test(size=(120, 36)) as pilot:
        app.post_message(HealthUpdated(full_view()))
        await settled(pilot)
        await pilot.resize_terminal(*size)
        await settled(pilot)
        if size[0] >= 60 and size[1] >= 15:
            assert panel(app, "findings").display
            assert panel(app, "metrics").display
        else:
            assert "LIVE 60/200" in shown(app, "message")


async def test_text_of_a_run_is_shown_and_never_obeyed(settled: Settled) -> None:
    hostile = Completions(
        time=1e6, step=60, rows=(Completion(prompt=HOSTILE, completion=HOSTILE * 2, rewards={"[red]r\x1b": None}),)
    )
    health = health_of_run(healthy_run().with_metric(f"x/{HOSTILE}", [1.0] * 60), hostile, name=f"run-{HOSTILE}")
    app = MonitorApp()
    async with app.run_test(size=(200, 50)) as pilot:
        app.post_message(HealthUpdated(view_of_run(health)))
        await settled(pilot)
        everything = [shown(app), str(app.export_screenshot())]
        await pilot.press("3", "enter")
        await settled(pilot)
        everything += [shown(app), str(app.export_screenshot())]
    for text in everything:
        assert not set(text) & {"\x1b", "\x07", "\u202e", "\x9b"}
    for text in (everything[0], everything[2]):
        assert "␛[31mred" in text
        assert "[bold]markup[/bold]" in text


async def test_nothing_is_painted_when_nothing_changed(settled: Settled, monkeypatch: pytest.MonkeyPatch) -> None:
    app = MonitorApp()
    async with app.run_test(size=(120, 36)) as pilot:
        app.post_message(HealthUpdated(full_view()))
        await settled(pilot)
        painted: list[int] = []
        drawn = LinesView.render_line

        def paint(self: LinesView, y: int) -> Strip:
            painted.append(y)
            return drawn(self, y)

        monkeypatch.setattr(ScrollView, "render_line", paint)
        monkeypatch.setattr(LinesView, "render_line", paint)
        app.post_message(HealthUpdated(full_view()))
        await settled(pilot)
        assert not painted


async def test_a_run_that_leaves_nothing_to_follow_says_what_to_add(settled: Settled) -> None:
    app = MonitorApp()
    async with app.run_test(size=(120, 36)) as pilot:
        app.post_message(HealthUpdated(view_of_run(health_of_run(a_run().without_clock()))))
        await settled(pilot)
        text = shown(app, "metrics")
        assert "from rldk_tui.integrations.trl import RLDKCallback" in text
        assert 'report_to="tensorboard"' in text
