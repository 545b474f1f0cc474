"""The main screen and its pages as pictures, at the sizes people have."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from rldk_tui.tui.app import MonitorApp
from rldk_tui.tui.messages import HealthUpdated
from rldk_tui.tui.view import View
from tests.tui.conftest import Settled
from tests.tui.runs import completions, empty_view, full_view, health_of_run, healthy_run, healthy_view, view_of_run

pytestmark = pytest.mark.snapshot


async def picture(view: View, size: tuple[int, int], settled: Settled, *keys: str, plain: bool = False) -> bytes:
    app = MonitorApp(title="runs/grpo-qwen-17", ascii=plain)
    async with app.run_test(size=size) as pilot:
        app.post_message(HealthUpdated(view))
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)
        return app.export_screenshot(simplify=True).encode()


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (200, 50), (40, 12)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_run_in_trouble(size: tuple[int, int], svg: SnapshotAssertion, settled: Settled) -> None:
    assert await picture(full_view(), size, settled) == svg


async def test_a_healthy_run(svg: SnapshotAssertion, settled: Settled) -> None:
    assert await picture(healthy_view(), (120, 36), settled) == svg


async def test_a_run_that_has_only_started(svg: SnapshotAssertion, settled: Settled) -> None:
    assert await picture(empty_view(), (80, 24), settled) == svg


async def test_a_run_in_ascii(svg: SnapshotAssertion, settled: Settled) -> None:
    assert await picture(full_view(), (80, 24), settled, plain=True) == svg


async def test_a_run_in_the_light_theme(svg: SnapshotAssertion, settled: Settled) -> None:
    assert await picture(full_view(), (120, 36), settled, "t") == svg


async def test_a_finding(svg: SnapshotAssertion, settled: Settled) -> None:
    assert await picture(full_view(), (100, 24), settled, "enter") == svg


async def test_what_is_not_evaluated(svg: SnapshotAssertion, settled: Settled) -> None:
    assert await picture(full_view(), (100, 30), settled, "u") == svg


async def test_a_completion(svg: SnapshotAssertion, settled: Settled) -> None:
    assert await picture(full_view(), (80, 24), settled, "3", "enter") == svg


@pytest.mark.parametrize("plain", [False, True], ids=["blocks", "ascii"])
async def test_generations_over_the_whole_run(svg: SnapshotAssertion, settled: Settled, plain: bool) -> None:
    logs = [completions(*["so the answer is 2"] * (step % 4 + 2), f"2 at {step}", step=step) for step in range(10, 61, 10)]
    view = view_of_run(health_of_run(healthy_run(), *logs))
    assert await picture(view, (80, 24), settled, "3", plain=plain) == svg


async def test_help(svg: SnapshotAssertion, settled: Settled) -> None:
    assert await picture(full_view(), (80, 36), settled, "question_mark") == svg
