"""The thread that looks at the run."""

from __future__ import annotations

import queue
from dataclasses import replace
from pathlib import Path

import pytest
from textual.message import Message

from rldk_tui.errors import UserError
from rldk_tui.session import RunHealth
from rldk_tui.tui.app import MonitorApp
from rldk_tui.tui.feed import Feed, opening
from rldk_tui.tui.messages import FeedFailed, HealthUpdated, Waiting
from rldk_tui.tui.options import MonitorOptions
from tests.tui.runs import health_of_run, healthy_run


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
