"""What a person does with the checkpoints of a run, key by key."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from textual.pilot import Pilot

from rldk_tui.checkpoints.record import LOG, record_checkpoints
from rldk_tui.session import RunSession
from rldk_tui.tui.app import MonitorApp
from rldk_tui.tui.child import Answer, ask_rldk
from rldk_tui.tui.messages import HealthUpdated
from rldk_tui.tui.screens.checkpoints import CheckpointsScreen
from rldk_tui.tui.screens.main import MainScreen
from rldk_tui.tui.screens.tensors import TensorScreen
from rldk_tui.tui.view import View, view_of
from tests.checkpoints.made import checkpoint, trained, weights
from tests.checkpoints.test_record import a_run
from tests.tui.checkpoints import Child, analysed, analysis, healthy_checkpoints, no_checkpoints, saved, tensor, view_with
from tests.tui.checkpoints import troubled_checkpoints as troubled
from tests.tui.conftest import Settled
from tests.tui.test_journeys import HOSTILE, shown


async def opened(pilot: Pilot[Any], view: View, *keys: str) -> None:
    """The list of this run, and these keys; nothing is waited for."""
    pilot.app.post_message(HealthUpdated(view))
    await pilot.pause()
    await pilot.press("4", *keys)
    await pilot.pause()
    await pilot.pause()


async def test_four_opens_the_list_and_closes_it() -> None:
    app = MonitorApp()
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, healthy_checkpoints())
        text = shown(app, "checkpoints")
        for part in ("60", "keep", "1.00", "942 MiB", "0.4 %", "1.8 %", "Keep step", "drift from the first", "deleted"):
            assert part in text
        await pilot.press("4")
        assert isinstance(app.screen, MainScreen)


async def test_every_state_has_its_words() -> None:
    app = MonitorApp()
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, troubled())
        text = shown(app, "checkpoints")
        for part in (
            "deleted", "✖ high ckpt-weight-jump +1", "✖✖ critical ckpt-nonfinite", "may not be read by you",
            "not analysed yet", "not written to its end", "1 not analysed (942 MiB): a analyses it", "Keep step 20",
        ):  # fmt: skip
            assert part in text


async def test_a_run_that_saved_none_says_so() -> None:
    app = MonitorApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, no_checkpoints(), "enter", "space", "c", "a")
        assert "No checkpoint has been saved yet" in shown(app, "checkpoints")
        assert isinstance(app.screen, CheckpointsScreen)


@pytest.mark.parametrize("size", [(200, 50), (80, 24), (59, 20), (40, 12), (20, 5)])
async def test_every_size_shows_the_list_and_the_tensors(size: tuple[int, int]) -> None:
    child = Child()
    child.may.set()
    app = MonitorApp(ask=child)
    async with app.run_test(size=size) as pilot:
        await opened(pilot, troubled())
        assert "20 keep" in shown(app, "checkpoints")
        await pilot.press("down", "enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "…" in shown(app, "tensors") if size[0] < 40 else "up_proj" in shown(app, "tensors")


async def test_a_checkpoint_opens_with_what_is_recorded_before_its_tensors_come() -> None:
    child = Child()
    app = MonitorApp(ask=child)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, troubled(), "down", "enter")
        text = shown(app, "tensors")
        assert "One tensor changed by 79 %" in text
        assert "measuring every tensor" in text
        run = Path("runs/grpo-qwen-17").absolute()
        assert child.asked == [("checkpoints", str(run / "checkpoint-20"), "--json", "--run", str(run))]
        child.may.set()
        await app.workers.wait_for_complete()
        await pilot.pause()
        rows = [line.split()[0] for line in shown(app, "tensors").splitlines() if "weight " in line]
        assert rows == [
            "lm_head.weight", "model.layers.3.mlp.up_proj.weight", "model.layers.5.mlp.down_proj.weight",
            "model.layers.0.self_attn.q_proj.weight", "model.norm.weight",
        ]  # fmt: skip
        assert "measuring" not in shown(app, "tensors")


async def test_leaving_the_tensors_ends_their_child() -> None:
    child = Child()
    app = MonitorApp(ask=child)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, troubled(), "down", "enter")
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, CheckpointsScreen)
        assert child.ended


async def test_tensors_can_be_cancelled_and_what_is_recorded_stays() -> None:
    child = Child()
    app = MonitorApp(ask=child)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, troubled(), "down", "enter", "x")
        await pilot.pause()
        assert child.ended
        assert "Cancelled." in shown(app, "tensors")
        assert "One tensor changed by 79 %" in shown(app, "tensors")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            Answer(2, b"", "rldk: checkpoint-20 cannot be read.\n  Check its mode."),
            "No table: checkpoint-20 cannot be read. Check",
        ),
        (Answer(-9, b"", ""), "No table: it ended with status -9"),
        (Answer(0, b"[1, 2", ""), "No table: what it said cannot be read"),
        (Answer(1, b"", "Traceback (most recent call last):\n  File x\nMemoryError: too large"), "No table: what it said"),
    ],
)
async def test_no_answer_is_a_sentence(answer: Answer, told: str) -> None:
    child = Child(answer)
    child.may.set()
    app = MonitorApp(ask=child)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, troubled(), "down", "enter")
        await pilot.pause()
        await pilot.pause()
        assert told in shown(app, "tensors")


async def test_a_deleted_or_unreadable_checkpoint_shows_its_numbers_and_asks_nobody() -> None:
    child = Child()
    app = MonitorApp(ask=child)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, troubled(), "enter")
        assert "Its files are gone" in shown(app, "tensors")
        assert "Saved tensors that are not finite: 0" in shown(app, "tensors")
        await pilot.press("escape", "down", "down", "down", "enter")
        await pilot.pause()
        assert "mode 0600" in shown(app, "tensors")
        assert child.asked == []


async def test_two_marked_checkpoints_are_compared_the_earlier_one_first() -> None:
    child = Child()
    app = MonitorApp(ask=child)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, troubled(), "c", "space")
        assert not [line for line in shown(app, "checkpoints").splitlines() if line.startswith("A ")], (
            "a deleted one is not marked"
        )
        await pilot.press("down", "down", "space", "up", "space", "down", "space", "space", "c")
        await pilot.pause()
        run = Path("runs/grpo-qwen-17").absolute()
        assert isinstance(app.screen, TensorScreen)
        assert child.asked == [("checkpoints", str(run / "checkpoint-20"), str(run / "checkpoint-30"), "--json")]


async def test_of_three_marks_the_last_two_stay() -> None:
    app = MonitorApp(ask=Child())
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, troubled(), "down", "space", "down", "space", "down", "space")
        marked = [line.split()[:2] for line in shown(app, "checkpoints").splitlines() if line[:1] in ("A", "B")]
        assert marked == [["A", "30"], ["B", "40"]]


async def test_an_analysis_is_told_of_survives_leaving_the_screen_and_is_cancelled() -> None:
    child = Child()
    app = MonitorApp(ask=child)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, troubled(), "a", "a")
        assert "analysing 1 checkpoint (942 MiB)" in shown(app, "checkpoints")
        run = Path("runs/grpo-qwen-17").absolute()
        assert child.asked == [("checkpoints", "--record", str(run), str(run / "checkpoint-50"))]
        await pilot.press("escape")
        assert not child.ended
        await pilot.press("4", "x")
        await pilot.pause()
        assert child.ended
        assert "The analysis was cancelled" in shown(app, "checkpoints")


async def test_an_analysis_that_failed_says_why() -> None:
    child = Child(Answer(2, b"", "rldk: [Errno 30] Read-only file system: 'runs/x/rldk'"))
    child.may.set()
    app = MonitorApp(ask=child)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, troubled(), "a")
        await pilot.pause()
        assert "No analysis: [Errno 30] Read-only file system" in shown(app, "checkpoints")


async def test_a_checkpoint_that_comes_while_the_list_is_open_is_in_it() -> None:
    app = MonitorApp()
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, view_with(saved(10)))
        app.post_message(HealthUpdated(view_with(saved(10), saved(20), analysed(10, 0.5))))
        await pilot.pause()
        await pilot.pause()
        assert "2 saved" in str(app.screen.query_one("#checkpoints").border_title)
        assert "0.50" in shown(app, "checkpoints")


async def test_hostile_names_are_shown_and_not_obeyed() -> None:
    long = "a" * 10_000 + ".weight"
    child = Child(Answer(0, analysis(tensor(HOSTILE, nan=9), tensor(long, nan=8), tensor("", nan=7)), ""))
    child.may.set()
    app = MonitorApp(ask=child)
    view = view_with(saved(20), analysed(20, 0.5, f"high ckpt-weight-jump: {HOSTILE} {'b' * 9000}", f"{HOSTILE}: odd"))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, view, "enter")
        await pilot.pause()
        await pilot.pause()
        screen = app.screen.query_one("#tensors")
        text = shown(app, "tensors")
        assert "[@click=app.quit]" in text
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert all(screen.render_line(y).cell_length == screen.content_size.width for y in range(screen.content_size.height))
        assert app.is_running


async def test_a_real_run_is_analysed_opened_and_compared(
    tmp_path: Path, settled: Settled, monkeypatch: pytest.MonkeyPatch
) -> None:
    # at the priority of the test itself: at the lowest, a busy machine lets it wait for minutes
    monkeypatch.setattr("rldk_tui.tui.child.own_command", lambda *arguments: [sys.executable, "-m", "rldk_tui.cli", *arguments])
    first = weights()
    second = trained(first)
    second["model.layers.3.mlp.up_proj.weight"][0, 0] = np.nan
    run = a_run(tmp_path / "run", first, second)
    session = RunSession.open(run)
    app = MonitorApp()
    async with app.run_test(size=(120, 40)) as pilot:
        app.post_message(HealthUpdated(view_of(session.poll())))
        await settled(pilot)
        await pilot.press("4", "a")
        await settled(pilot)
        app.post_message(HealthUpdated(view_of(session.poll())))
        await settled(pilot)
        assert "critical ckpt-nonfinite" in shown(app, "checkpoints")
        assert "Keep step 10" in shown(app, "checkpoints")
        log = (run / "rldk" / LOG).read_bytes()
        await pilot.press("down", "enter")
        await settled(pilot)
        text = shown(app, "tensors")
        rows = text[text.index("tensor  ") :].splitlines()
        assert rows[1].startswith("model.layers.3.mlp.up_proj.weight")
        assert "since the checkpoint of step 10" in text
        await pilot.press("escape", "space", "up", "space", "c")
        await settled(pilot)
        assert "All weights changed by" in shown(app, "tensors")
        assert (run / "rldk" / LOG).read_bytes() == log, "looking writes nothing"


async def test_a_rotated_checkpoint_of_a_real_run_stays_in_the_list(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run", weights(), trained(weights()))
    record_checkpoints(run)
    session = RunSession.open(run)
    session.poll()
    shutil.rmtree(run / "checkpoint-10")
    view = view_of(session.poll())
    assert [(row.step, row.deleted, row.health) for row in view.checkpoints.rows] == [(10, True, 1.0), (20, False, 1.0)]


async def test_a_cancelled_child_is_gone(tmp_path: Path) -> None:
    before = set(psutil.Process().children())
    asking = asyncio.ensure_future(ask_rldk("checkpoints", str(checkpoint(tmp_path, 1, weights()))))
    while not (born := set(psutil.Process().children()) - before):
        await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in born)


async def test_the_child_answers_and_complains(tmp_path: Path) -> None:
    answer = await ask_rldk("checkpoints", str(tmp_path / "nowhere"))
    assert answer.failed
    assert "nowhere" in answer.sentence
    assert not (await ask_rldk("--version")).failed
