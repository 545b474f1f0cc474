"""A list in which some lines open and others are only read."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from rldk_tui.tui.cells import Line, Page, line
from rldk_tui.tui.widgets.scroll_view import ScrollView

ROOM = 10


def page(name: str) -> Page:
    return Page(name, name, lambda _view, _box: ())


def rows(size: int, *stops: int) -> tuple[Line, ...]:
    return tuple(line(f"line {at}", opens=page(f"p{at}") if at in stops else None) for at in range(size))


class Shown(App[None]):
    def compose(self) -> ComposeResult:
        yield ScrollView(id="list")

    def on_mount(self) -> None:
        self.query_one("#list").focus()

    @property
    def list(self) -> ScrollView:
        return self.query_one("#list", ScrollView)

    @property
    def top(self) -> str:
        return self.list.render_line(0).text.strip()

    @property
    def bottom(self) -> str:
        return self.list.render_line(ROOM - 1).text.strip()


@pytest.mark.parametrize("stops", [(), (0,), (2,), (3, 20)])
async def test_every_line_can_be_reached_by_moving_down_and_up(stops: tuple[int, ...]) -> None:
    app = Shown()
    async with app.run_test(size=(40, ROOM)) as pilot:
        app.list.show(rows(30, *stops))
        await pilot.pause()
        seen = {app.top}
        for _ in range(40):
            await pilot.press("down")
            seen |= {app.list.render_line(y).text.strip() for y in range(ROOM)}
        assert seen >= {f"line {at}" for at in range(30)}
        assert app.bottom == "line 29"
        for _ in range(40):
            await pilot.press("up")
        assert app.top == "line 0"


async def test_pages_leave_nothing_out() -> None:
    app = Shown()
    async with app.run_test(size=(40, ROOM)) as pilot:
        app.list.show(rows(60, 0, 35))
        await pilot.pause()
        seen = set()
        for _ in range(8):
            seen |= {app.list.render_line(y).text.strip() for y in range(ROOM)}
            await pilot.press("pagedown")
        assert seen == {f"line {at}" for at in range(60)}


async def test_lines_that_were_scrolled_to_stay_when_the_run_moves_on() -> None:
    app = Shown()
    async with app.run_test(size=(40, ROOM)) as pilot:
        app.list.show(rows(60, 0))
        await pilot.pause()
        await pilot.press(*["down"] * 20)
        before = app.top
        app.list.show(rows(61, 0))
        await pilot.pause()
        assert app.top == before != "line 0"


async def test_what_opens_is_what_the_cursor_is_on() -> None:
    app = Shown()
    async with app.run_test(size=(40, ROOM)) as pilot:
        app.list.show(rows(60, *range(60)))
        await pilot.pause()
        await pilot.press("G")
        assert app.list.here == page("p59")
        await pilot.press("g")
        assert app.list.here == page("p0")
        await pilot.press("pagedown")
        assert app.list.here == page("p9")


async def test_what_is_shown_first_is_shown_from_its_top_however_far_below_the_first_link_is() -> None:
    async with Shown().run_test(size=(40, ROOM)) as pilot:
        shown = pilot.app.list  # type: ignore[attr-defined]
        shown.show(rows(30, 25))
        await pilot.pause()
        assert "line 0" in shown.render_line(0).text
        shown.show(rows(31, 25))
        await pilot.pause()
        assert "line 0" in shown.render_line(0).text
