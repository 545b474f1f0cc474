"""The thread that looks at the run."""

from __future__ import annotations

import queue
from dataclasses import replace
from pathlib import Path

import pytest
from textual.message import Message

from rldk_tui.errors import UserError
from rldk_tui.run import RunSnapshot
from rldk_tui.session import RunHealth, RunSession
from rldk_tui.tui.app import MonitorApp
from rldk_tui.tui.cells import Box
from rldk_tui.tui.feed import Feed, FolderOfRunsError, opening
from rldk_tui.tui.looking import Looking
from rldk_tui.tui.messages import FeedFailed, HealthUpdated, Repointed, Waiting
from rldk_tui.tui.options import MonitorOptions
from rldk_tui.tui.panels.findings import PANEL
from rldk_tui.tui.screens.main import MainScreen
from tests.tui.conftest import Settled
from tests.tui.runs import health_of_run, healthy_run, view_of_run


def posted(answers: list[RunHealth | Exception | None], wanted: int) -> list[Message]:
    """The first messages of a feed whose looks give these answers, the last one again and again."""
    looks = iter(answers)
    last: list[RunHealth | Exception | None] = [None]

    def poll() -> RunHealth | None:
        last[0] = next(looks, last[0])
        if isinstance(last[0], Exception):
            raise last[0]
        return last[0]

    box: queue.Queue[Message] = queue.Queue()
    feed = Feed(poll, box.put, MonitorOptions(interval=0.001), clock=iter(range(1000)).__next__)
    feed.start()
    messages = [box.get(timeout=30) for _ in range(wanted)]
    feed.stop()
    return messages


def test_it_waits_and_then_shows() -> None:
    health = replace(health_of_run(healthy_run()), vanished=True)
    waiting, shown = posted([None, health], 2)
    assert isinstance(waiting, Waiting)
    assert waiting.seconds == 1
    assert isinstance(shown, HealthUpdated)
    assert shown.view.metrics["reward"].last_step == 60
    assert shown.view.gone


def test_what_ends_it_is_handed_over() -> None:
    (failed,) = posted([UserError("it is a file")], 1)
    assert isinstance(failed, FeedFailed)
    assert str(failed.failure) == "it is a file"


def test_a_newer_view_takes_the_place_of_one_still_waiting() -> None:
    assert Waiting(2.0).can_replace(Waiting(1.0))
    assert not Waiting(2.0).can_replace(FeedFailed(UserError("x")))


def test_opening_waits_for_a_run_that_is_not_there(tmp_path: Path, sample_runs: Path) -> None:
    link = tmp_path / "latest"
    poll = opening(link)
    assert poll() is None
    link.mkdir()
    assert poll() is None
    link.rmdir()
    link.symlink_to(sample_runs / "grpo-healthy")
    health = poll()
    assert health is not None
    assert health.snapshot.step == 120


def test_opening_a_file_is_no_run(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("x")
    with pytest.raises(UserError, match="is a file"):
        opening(file)()


async def test_the_app_ends_with_what_ended_the_feed() -> None:
    def poll() -> None:
        raise UserError("no run")

    app = MonitorApp(poll, options=MonitorOptions(interval=0.01))
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(200):
            if app.failure is not None:
                break
            await pilot.pause(0.01)
    assert isinstance(app.failure, UserError)


def test_a_link_that_is_pointed_elsewhere_is_followed_and_said(tmp_path: Path, sample_runs: Path) -> None:
    link = tmp_path / "latest"
    link.symlink_to(sample_runs / "grpo-healthy")
    box: queue.Queue[Message] = queue.Queue()
    feed = Feed(opening(link), box.put, MonitorOptions(interval=0.001))
    feed.start()
    first = box.get(timeout=30)
    assert isinstance(first, HealthUpdated)
    link.unlink()
    link.symlink_to(sample_runs / "grpo-killed")
    feed.look()
    while not isinstance(said := box.get(timeout=30), Repointed):
        feed.look()
    assert said.name == "grpo-killed"
    shown = box.get(timeout=30)
    feed.stop()
    assert isinstance(shown, HealthUpdated)
    assert shown.view.health.snapshot.name == "grpo-killed"


def test_a_folder_of_runs_is_told_from_a_run(tmp_path: Path, sample_runs: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "x").symlink_to(sample_runs / "grpo-healthy")
    with pytest.raises(FolderOfRunsError):
        opening(tmp_path / "runs", newest=False)()
    newest = opening(tmp_path / "runs")()
    assert newest is not None
    assert newest.snapshot.step == 120


def test_a_baseline_is_read_once_in_the_feeds_thread(sample_runs: Path) -> None:
    reads: list[str] = []

    def baseline() -> RunSnapshot:
        reads.append("read")
        return RunSession.open(sample_runs / "grpo-healthy").poll().snapshot

    looking = Looking(MonitorOptions(baseline=baseline))
    health = health_of_run(healthy_run())
    assert looking.at(replace(health, more=True)).baseline is None
    known = looking.at(health).baseline
    assert known is not None
    assert looking.at(health).baseline is known
    assert reads == ["read"]


async def test_a_run_that_is_pointed_elsewhere_is_shown_from_the_start(settled: Settled) -> None:
    app = MonitorApp()
    async with app.run_test(size=(120, 36)) as pilot:
        app.post_message(HealthUpdated(view_of_run(health_of_run(healthy_run()))))
        await settled(pilot)
        await pilot.press("5")
        app.post_message(Repointed("runs/latest", "grpo-18"))
        app.post_message(HealthUpdated(view_of_run(health_of_run(healthy_run(20), name="grpo-18"))))
        await settled(pilot)
        assert isinstance(app.screen, MainScreen)
        assert app.view is not None
        assert app.view.health.snapshot.name == "grpo-18"


@pytest.mark.parametrize(
    ("evaluated", "said"),
    [((), "The run is judged when all of it is read."), (("entropy-collapse",), "Nothing was found so far.")],
)
def test_what_waits_to_be_judged_is_said(evaluated: tuple[str, ...], said: str) -> None:
    health = replace(health_of_run(healthy_run()), findings=(), evaluated=evaluated, unjudged=45)
    drawing = PANEL.draw(view_of_run(health), Box(60))
    assert "".join(span.text for span in drawing.lines[0].spans) == said
    assert "".join(span.text for span in drawing.footer[0].spans) == "15 of 60 rows judged so far"
