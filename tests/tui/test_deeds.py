"""What the monitor does beyond showing: copies, exports, asks a training to stop, tells what is new, remembers."""

from __future__ import annotations

import base64
import csv
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from rldk_tui.events import Finding, RunState
from rldk_tui.session import RunHealth
from rldk_tui.tui.app import MonitorApp
from rldk_tui.tui.child import Answer
from rldk_tui.tui.copying import harmless, osc52, written_copy
from rldk_tui.tui.exporting import export_metrics
from rldk_tui.tui.messages import HealthUpdated
from rldk_tui.tui.options import MonitorOptions
from rldk_tui.tui.remembered import Remembered, place_of, recall, remember
from rldk_tui.tui.screens.checkpoints import CheckpointsScreen
from rldk_tui.tui.screens.confirm import ConfirmScreen
from tests.builders import a_run
from tests.tui.checkpoints import healthy_checkpoints
from tests.tui.conftest import Settled
from tests.tui.runs import FINDINGS, full_view, health_of_run, healthy_run, judged, view_of_run
from tests.tui.test_journeys import HOSTILE, panel, shown


def test_a_copy_is_wrapped_for_what_it_goes_through() -> None:
    data = base64.b64encode("größer".encode()).decode()
    assert osc52("größer", {}) == f"\x1b]52;c;{data}\a"
    inside = osc52("größer", {"TMUX": "/tmp/x"})
    assert f"\x1bPtmux;\x1b\x1b]52;c;{data}\a\x1b\\" in inside
    nested = {"STY": "1", "TMUX": "/tmp/x"}  # screen inside tmux would write a long sequence of tmux's onto the terminal
    parts = re.findall(r"\x1bP(.*?)\x1b\\", osc52("x" * 3000, nested), re.DOTALL)
    assert all(len(part) <= 760 for part in parts)
    assert base64.b64decode("".join(parts).split(";", 2)[2].rstrip("\a")).decode() == "x" * 3000


def test_what_is_copied_steers_no_shell_and_is_for_its_owner() -> None:
    assert "\x1b" not in harmless(HOSTILE)
    place = written_copy("text")
    assert place.read_text() == "text"
    assert place.stat().st_mode & 0o077 == 0
    place.unlink()


def test_an_export_keeps_every_digit_and_leaves_what_is_there(tmp_path: Path) -> None:
    run = a_run().with_metrics(reward=[0.1, math.nan, None, math.inf]).with_metric("=cmd()", [1.0])
    snapshot = health_of_run(run).snapshot
    first, second = export_metrics(snapshot, tmp_path), export_metrics(snapshot, tmp_path)
    assert first != second
    rows = list(csv.reader(first.open(newline="")))
    assert rows[:1] == [["step", "metric", "value"]]
    assert [row[2] for row in rows if row[1] == "reward"] == ["0.1", "nan", "", "inf"]
    assert any(row[1] == "'=cmd()" for row in rows)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".csv", ".csv"]


async def test_c_copies_what_is_on_the_screen(settled: Settled, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(MonitorApp, "write_terminal", lambda _app, sequence: written.append(sequence))
    monkeypatch.delenv("TMUX", raising=False)
    app = MonitorApp()
    async with app.run_test(size=(120, 36)) as pilot:
        app.post_message(HealthUpdated(full_view()))
        await settled(pilot)
        await pilot.press("c")
        text = base64.b64decode(written[-1].split(";", 2)[2].rstrip("\a")).decode()
        assert "grpo-qwen-17" in text
        assert "truncation" in text
        await pilot.press("2", "enter", "c")
        await settled(pilot)
        text = base64.b64decode(written[-1].split(";", 2)[2].rstrip("\a")).decode()
        assert text.startswith("### truncation (critical) in grpo-qwen-17")


async def test_e_exports_into_the_working_directory(settled: Settled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = MonitorApp()
    async with app.run_test(size=(120, 36)) as pilot:
        app.post_message(HealthUpdated(full_view()))
        await settled(pilot)
        await pilot.press("e", "1", "enter", "e")
        await settled(pilot)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["grpo-qwen-17-metrics.csv", "grpo-qwen-17-reward.csv"]


@pytest.mark.parametrize(("key", "asked"), [("y", True), ("n", False), ("escape", False), ("enter", False)])
async def test_a_training_is_asked_to_stop_only_once_that_is_confirmed(key: str, asked: bool, settled: Settled) -> None:
    questions: list[tuple[str, ...]] = []

    async def ask(*arguments: str) -> Answer:
        questions.append(arguments)
        return Answer(0, b"asked", "")

    app = MonitorApp(ask=ask)
    async with app.run_test(size=(100, 30)) as pilot:
        app.post_message(HealthUpdated(full_view()))
        await settled(pilot)
        await pilot.press("S")
        await settled(pilot)
        assert "save a checkpoint and to" in shown(app, "question")
        await pilot.press(key)
        await settled(pilot)
    assert [arguments[0] for arguments in questions] == (["stop"] if asked else [])


async def test_a_training_that_is_over_is_not_asked_to_stop(settled: Settled) -> None:
    app = MonitorApp()
    async with app.run_test(size=(100, 30)) as pilot:
        view = full_view()
        over = replace(view.health, snapshot=replace(view.health.snapshot, state=RunState.FINISHED))
        app.post_message(HealthUpdated(replace(view, health=over)))
        await settled(pilot)
        await pilot.press("S")
        await settled(pilot)
        assert not isinstance(app.screen, ConfirmScreen)


async def test_a_new_critical_finding_is_told_once_and_not_what_stood_at_first(settled: Settled) -> None:
    told: list[str] = []

    def tell(finding: Finding, _health: RunHealth) -> None:
        told.append(finding.rule)

    health = health_of_run(healthy_run())
    app = MonitorApp(options=MonitorOptions(tell=tell, bell=True))
    async with app.run_test(size=(100, 30)) as pilot:
        for findings in ((), FINDINGS[1:], FINDINGS, FINDINGS):
            app.post_message(HealthUpdated(view_of_run(judged(health, findings))))
            await settled(pilot)
    assert told == ["truncation"]


async def test_what_stands_when_the_monitor_opens_is_no_news(settled: Settled) -> None:
    told: list[str] = []
    app = MonitorApp(options=MonitorOptions(tell=lambda finding, _: told.append(finding.rule)))
    async with app.run_test(size=(100, 30)) as pilot:
        for _ in range(2):
            app.post_message(HealthUpdated(full_view()))
            await settled(pilot)
    assert told == []


def test_memory_is_kept_in_the_users_folder_and_what_cannot_be_read_is_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    run = tmp_path / "run"
    run.mkdir()
    kept = Remembered(panel="metrics", mutes=("truncation",), smoothing=2)
    assert recall(run) == Remembered()
    assert remember(run, kept)
    assert recall(run) == kept
    assert list(run.iterdir()) == []
    place_of(run).write_bytes(b"\xff{")
    assert recall(run) == Remembered()
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")
    assert not remember(run, kept)


async def test_a_run_is_found_again_as_it_was_left(settled: Settled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    health = replace(full_view().health, directory=tmp_path / "run")
    options = MonitorOptions(remember=True)
    for visit in range(2):
        app = MonitorApp(options=options)
        async with app.run_test(size=(120, 36)) as pilot:
            app.post_message(HealthUpdated(view_of_run(health)))
            await settled(pilot)
            if visit:
                assert panel(app, "metrics").has_focus
                assert "muted" in shown(app, "findings")
                assert app.theme == "textual-light"
            else:
                await pilot.press("2", "m", "0", "t", "tab")
                await settled(pilot)
    assert [path.name for path in tmp_path.iterdir()] == ["rldk-tui"]


async def test_marked_checkpoints_are_marked_again(settled: Settled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    view = healthy_checkpoints()
    view = replace(view, health=replace(view.health, directory=tmp_path / "run"))
    marks: list[tuple[int, ...]] = []
    for visit in range(2):
        app = MonitorApp(options=MonitorOptions(remember=True))
        async with app.run_test(size=(120, 36)) as pilot:
            app.post_message(HealthUpdated(view))
            await settled(pilot)
            await pilot.press("4")
            await settled(pilot)
            assert isinstance(app.screen, CheckpointsScreen)
            if not visit:
                await pilot.press("g", "space", "down", "space")
            marks.append(app.screen.marked)
    assert len(marks[0]) > 0
    assert marks[0] == marks[1]
