"""Whether the reward can be trusted, on the screen."""

from __future__ import annotations

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from rldk_tui.events import Algorithm, Completion, Completions, Measured
from rldk_tui.session import RunHealth
from rldk_tui.tui.app import MonitorApp
from rldk_tui.tui.cells import Box
from rldk_tui.tui.messages import HealthUpdated
from rldk_tui.tui.pages.reward import reward_line, reward_page
from tests.builders import a_run
from tests.tui.conftest import Settled
from tests.tui.runs import health_of_run, healthy_run, view_of_run

ROWS = 16


def logs(steps: int = 60) -> list[Completions]:
    """Rewards that jump in the middle of the run."""
    rng = np.random.default_rng(4)
    return [
        Completions(
            time=1e6 + step,
            step=step,
            rows=tuple(
                Completion(prompt=f"question {step % 6} {row // 4}", completion=f"answer {step} {row}", rewards={"r": reward})
                for row, reward in enumerate(rng.normal(step > 30, 0.3, ROWS).round(2).tolist())
            ),
        )
        for step in range(1, steps + 1)
    ]


@pytest.fixture(scope="module")
def health() -> RunHealth:
    return health_of_run(healthy_run(), *logs())


@pytest.mark.snapshot
@pytest.mark.parametrize("size", [(120, 48), (60, 24)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_page(size: tuple[int, int], health: RunHealth, svg: SnapshotAssertion, settled: Settled) -> None:
    app = MonitorApp(title="runs/grpo-qwen-17", ascii=False)
    async with app.run_test(size=size) as pilot:
        app.post_message(HealthUpdated(view_of_run(health)))
        await settled(pilot)
        for key in ("3", "g", "enter"):
            await pilot.press(key)
            await settled(pilot)
        assert app.export_screenshot(simplify=True).encode() == svg


def test_the_line_names_the_trouble_and_opens_the_page(health: RunHealth) -> None:
    told = reward_line(view_of_run(health))
    assert told is not None
    assert "step change" in told.text
    assert told.opens == reward_page()


def test_too_little_has_no_line_and_a_page_that_says_what_is_missing() -> None:
    view = view_of_run(health_of_run(healthy_run(), *logs(2)))
    assert reward_line(view) is None
    assert any("64 are needed" in row.text for row in reward_page().draw(view, Box(100, None)))
    empty = view_of_run(health_of_run(healthy_run()))
    assert [row.text for row in reward_page().draw(empty, Box(100, None))] == ["Nothing that was scored is on record."]


def test_a_reward_models_pairs_are_judged_there_too() -> None:
    values = {"samples/rm_pairs": 800.0, "samples/rm_ece": 0.2, "samples/rm_ece_low": 0.15, "samples/rm_overconfidence": 0.1}
    run = a_run(Algorithm.REWARD).with_metric("accuracy", [0.8] * 20)
    view = view_of_run(health_of_run(run, Measured(time=1e6 + 20, step=20, values=dict(values))))
    told = reward_line(view)
    assert told is not None
    assert "calibration error 0.2" in told.text
    assert "scores lie too far apart" in " ".join(row.text.strip() for row in reward_page().draw(view, Box(100, None)))


@pytest.mark.parametrize("width", [20, 40, 200])
def test_the_page_fits_any_width(width: int, health: RunHealth) -> None:
    for row in reward_page().draw(view_of_run(health), Box(width, None)):
        assert row.width <= width, row.text
