"""All generations as a table: sorted, searched, by group, one prompt over the steps, and two answers apart."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from rldk_tui.events import Completion, Completions
from rldk_tui.tui.app import MonitorApp
from rldk_tui.tui.cells import Box
from rldk_tui.tui.generation_table import Choice, Order, chosen_rows, table_lines
from rldk_tui.tui.messages import HealthUpdated
from rldk_tui.tui.options import MonitorOptions
from rldk_tui.tui.pages.answers_apart import answers_apart
from rldk_tui.tui.view import View
from tests.tui.conftest import Settled
from tests.tui.runs import empty_view, health_of_run, healthy_run, view_of_run
from tests.tui.test_journeys import HOSTILE, shown
from tests.tui.test_pictures import picture

ANSWERS = ("the answer is nine pens", "the answer is two", "step step step step step step step step", "2")


def logged(step: int) -> Completions:
    rows = tuple(
        Completion(
            prompt=f"Q{number % 2}",
            completion=f"{text} at {step}" if number != 2 else text,
            rewards={"correct": (number + step / 10) / 10, "format": float(number % 2)} if number else {"correct": None},
            advantage=number - 1.5,
            length=10 * (number + 1),
            truncated=number == 2,
        )
        for number, text in enumerate(ANSWERS)
    )
    return Completions(time=1e6 + step, step=step, rows=rows)


def view() -> View:
    return view_of_run(health_of_run(healthy_run(), logged(10), logged(20), logged(30)))


@pytest.mark.parametrize(
    ("order", "first"),
    [
        (Order.WORST, "the answer is nine pens at 30"),
        (Order.BEST, "2 at 30"),
        (Order.NEWEST, "the answer is nine pens at 30"),
        (Order.LONGEST, "2 at 30"),
        (Order.REPETITIVE, ANSWERS[2]),
        (Order.ADVANTAGE, "2 at 30"),
    ],
)
def test_each_order_puts_its_own_first(order: Order, first: str) -> None:
    assert chosen_rows(view(), Choice(order))[0].measured.completion.completion == first


def test_a_group_and_a_prompt_over_the_steps_and_a_search() -> None:
    group = chosen_rows(view(), Choice(prompt="Q1", step=20))
    assert [row.measured.completion.completion for row in group] == ["2 at 20", "the answer is two at 20"]
    assert [row.log.step for row in chosen_rows(view(), Choice(prompt="Q1"))] == [10, 10, 20, 20, 30, 30]
    assert len(chosen_rows(view(), Choice(wanted="NINE"))) == 3


@pytest.mark.parametrize("width", [40, 76, 120, 250])
def test_rows_fit_and_are_harmless(width: int) -> None:
    rows = (Completion(prompt=HOSTILE, completion=HOSTILE * 9, rewards={HOSTILE: 1.0, "b": None}),)
    hostile = view_of_run(health_of_run(healthy_run(), Completions(time=1e6, step=60, rows=rows)))
    for line in table_lines(chosen_rows(hostile, Choice()), Box(width)):
        assert line.width <= width
        assert not set(line.text) & {"\x1b", "\x07", "\u202e", "\x9b"}


def test_words_that_went_and_came_stand_where_they_were() -> None:
    first, second = (chosen_rows(view(), Choice(prompt="Q1", step=step))[1] for step in (10, 30))
    page = answers_apart(first, second)
    text = "\n".join(row.text for row in page.draw(view(), Box(60)))
    assert "the answer is two at [-10-] {+30+}" in text


async def test_keys_sort_search_group_and_set_apart(settled: Settled) -> None:
    app = MonitorApp(options=MonitorOptions())
    async with app.run_test(size=(120, 36)) as pilot:
        app.post_message(HealthUpdated(view()))
        await settled(pilot)
        await pilot.press("s")
        await settled(pilot)
        assert "none" in shown(app, "table").splitlines()[1]
        await pilot.press("s")
        await settled(pilot)
        assert "2 at 30" in shown(app, "table").splitlines()[1]
        await pilot.press("v")
        assert len(shown(app, "table").strip().splitlines()) == 3
        await pilot.press("p")
        assert len(shown(app, "table").strip().splitlines()) == 7
        await pilot.press("G", "d")
        await settled(pilot)
        page = shown(app, "page")
        assert "Step 20 against" not in page
        assert "step 20, row 3" in page
        await pilot.press("escape", "0", "slash", *"nine", "enter")
        await settled(pilot)
        assert len(shown(app, "table").strip().splitlines()) == 4
        await pilot.press("enter")
        await settled(pilot)
        assert "the answer is nine pens" in shown(app, "page")
        await pilot.press("escape", "escape", "escape")
        await settled(pilot)
        await pilot.press("s")
        await settled(pilot)
        assert "best reward first" in str(app.screen.query_one("#table").border_title)


async def test_a_run_without_generations_says_how_to_have_them(settled: Settled) -> None:
    app = MonitorApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.post_message(HealthUpdated(empty_view()))
        await settled(pilot)
        await pilot.press("s")
        await settled(pilot)
        assert "log_completions=True" in shown(app, "table")


@pytest.mark.snapshot
@pytest.mark.parametrize("size", [(120, 36), (80, 24)], ids=["120x36", "80x24"])
async def test_the_table(size: tuple[int, int], svg: SnapshotAssertion, settled: Settled) -> None:
    assert await picture(view(), size, settled, "s") == svg


@pytest.mark.snapshot
async def test_two_answers(svg: SnapshotAssertion, settled: Settled) -> None:
    assert await picture(view(), (80, 24), settled, "s", "d") == svg
