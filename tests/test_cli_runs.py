"""`rldk runs DIR`: every run of a folder on a line, at once the second time, and never from what its logs no longer say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from rldk_tui.cli import main
from rldk_tui.session import RunSession
from tests.conftest import SAMPLE_RUNS

NAMES = ("grpo-healthy", "grpo-killed", "sft-nan-weights")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in NAMES:
        shutil.copytree(SAMPLE_RUNS / name, tmp_path / "runs" / name)
    (tmp_path / "runs" / "notes").mkdir()
    return tmp_path / "runs"


def rows(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["runs", str(folder), "--json"]) == 0
    return {row["name"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}


def polls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the runs that are read from here on."""
    read: list[str] = []
    poll = RunSession.poll

    def watched(self: RunSession, **options: Any) -> Any:
        read.append(self.directory.name)
        return poll(self, **options)

    monkeypatch.setattr(RunSession, "poll", watched)
    return read


def test_each_run_says_what_check_says_of_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(folder, capsys)
    assert tuple(found) == NAMES
    for name, row in found.items():
        assert main(["check", str(folder / name), "--json", "--fail-on", "critical"]) in (0, 1)
        checked = json.loads(capsys.readouterr().out)
        assert (row["state"], row["value"], row["grade"]) == (checked["state"], checked["score"], checked["grade"])
        assert sum(row["opened"].values()) == sum(finding["open"] for finding in checked["findings"])


def test_a_finished_run_is_read_once_and_again_when_it_changed(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = rows(folder, capsys)
    read = polls(monkeypatch)
    assert rows(folder, capsys) == first
    assert read == []
    log = next((folder / "grpo-healthy" / "rldk").glob("*.jsonl"))
    with log.open("ab") as opened:
        opened.write(b'{"type":"heartbeat","time":1795227500.0,"step":121}\n')
    assert rows(folder, capsys)["grpo-healthy"]["step"] == 121
    assert read == ["grpo-healthy"]


def test_what_was_kept_is_told_only_of_the_run_it_was_kept_for(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows(folder, capsys)
    for kept in (folder.parent / "cache" / "rldk" / "runs").iterdir():
        kept.write_bytes(b"garbage")
    read = polls(monkeypatch)
    assert tuple(rows(folder, capsys)) == NAMES
    assert sorted(read) == sorted(NAMES)


def test_the_table_is_sorted_as_asked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for order, first in (("name", "grpo-healthy"), ("score", "sft-nan-weights")):
        assert main(["runs", str(folder), "--sort", order]) == 0
        head, line, *_ = capsys.readouterr().out.splitlines()
        assert head.startswith("run ")
        assert line.startswith(first)


def test_what_is_no_folder_of_runs_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(folder / "nowhere")]) == 2
    assert main(["runs", str(folder / "notes")]) == 2
    assert main(["runs", str(folder / "grpo-healthy")]) == 2
    said = capsys.readouterr().err
    assert "no folder" in said
    assert "holds no run" in said
    assert "is a run itself" in said
