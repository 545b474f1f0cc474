"""The list of a folder's runs."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest
from msgspec import msgpack

from rldk_tui.events import RunState
from rldk_tui.session import RunSession
from rldk_tui.summary.runs import RunRow, Stamp
from rldk_tui.tui.cells import Box
from rldk_tui.tui.index_app import IndexApp
from rldk_tui.tui.index_lines import Sort, index_lines
from rldk_tui.tui.options import MonitorOptions
from rldk_tui.tui.runs_index import RunsIndex
from tests.tui.test_journeys import HOSTILE, shown


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def folder_of(tmp_path: Path, sample_runs: Path, *names: str) -> Path:
    folder = tmp_path / "runs"
    for name in names:
        shutil.copytree(sample_runs / name, folder / name)
    return folder


def read(index: RunsIndex) -> dict[str, RunRow]:
    """The rows after one round."""
    stop = threading.Event()

    def post(rows: tuple[RunRow, ...], *, reading: bool) -> None:
        if not reading:
            stop.set()

    index.follow(post, stop, 0.0)
    return {row.name: row for row in index.rows()}


def test_each_run_is_told_in_a_row(tmp_path: Path, sample_runs: Path) -> None:
    rows = read(RunsIndex(folder_of(tmp_path, sample_runs, "grpo-healthy", "grpo-killed", "sft-nan-weights")))
    assert rows["grpo-healthy"].state is RunState.FINISHED
    assert rows["grpo-killed"].state is RunState.DIED
    assert rows["sft-nan-weights"].metric == "Loss"
    text = "\n".join(row.text for row in index_lines(tuple(rows.values()), Sort.NAME, 2e9, Box(160)))
    for part in ("grpo-healthy", "GRPO", "100 %", "died", "nan-step-masked"):
        assert part in text


def test_a_run_is_read_again_only_when_its_logs_changed(tmp_path: Path, sample_runs: Path) -> None:
    folder = folder_of(tmp_path, sample_runs, "grpo-healthy", "sft-nan-weights")
    index = RunsIndex(folder)
    first = read(index)
    assert read(index)["grpo-healthy"] is first["grpo-healthy"]
    shutil.rmtree(folder / "sft-nan-weights")
    shutil.copytree(sample_runs / "grpo-collapsed", folder / "new")
    assert set(read(index)) == {"grpo-healthy", "new"}


def test_what_was_read_once_of_a_finished_run_is_there_at_once(
    tmp_path: Path, sample_runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path, sample_runs, "sft-nan-weights")
    first = read(RunsIndex(folder))["sft-nan-weights"]
    monkeypatch.setattr(RunSession, "poll", None)
    again = read(RunsIndex(folder))["sft-nan-weights"]
    assert msgpack.encode(again) == msgpack.encode(first)
    assert again.curve is not None
    assert len(again.curve.shape()) > 10


def test_what_cannot_be_read_says_so_and_holds_nothing_up(tmp_path: Path, sample_runs: Path) -> None:
    folder = folder_of(tmp_path, sample_runs, "grpo-healthy", "sft-nan-weights")
    (folder / "grpo-healthy" / "rldk.toml").write_text("no toml [")
    rows = read(RunsIndex(folder))
    assert rows["grpo-healthy"].problem
    assert not rows["sft-nan-weights"].problem


def test_rows_fit_every_width_and_names_are_harmless() -> None:
    rows = (RunRow("x", HOSTILE * 3, Stamp(0, 0)), RunRow("y", "世界" * 40, Stamp(0, 0), state=RunState.LIVE))
    for width in (40, 60, 84, 120, 250):
        for row in index_lines(rows, Sort.NEWEST, 0.0, Box(width)):
            assert row.width <= width
            assert not set(row.text) & {"\x1b", "\x07", "\u202e", "\x9b"}


async def test_a_run_is_chosen_and_the_list_sorted_and_filtered(tmp_path: Path, sample_runs: Path) -> None:
    folder = folder_of(tmp_path, sample_runs, "grpo-healthy", "grpo-killed")
    app = IndexApp(RunsIndex(folder), MonitorOptions())
    async with app.run_test(size=(120, 20)) as pilot:
        for _ in range(600):
            await pilot.pause(0.05)
            if "died" in shown(app, "runs") and "finished" in shown(app, "runs"):
                break
        await pilot.press("s")
        assert "name" in str(app.query_one("#runs").border_title)
        await pilot.press("slash", *"healthy", "enter")
        await pilot.pause()
        assert "grpo-killed" not in shown(app, "runs")
        await pilot.press("enter")
        await pilot.pause()
    assert app.return_value == folder / "grpo-healthy"
