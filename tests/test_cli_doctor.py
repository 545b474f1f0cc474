"""`rldk doctor`: every file of a run is accounted for, and what is missing is named with what brings it."""

from __future__ import annotations

import importlib.metadata
import json
import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest

from rldk_tui.cli import main
from rldk_tui.ingest import Batch, Follower
from rldk_tui.summary import run_files
from tests.conftest import SAMPLE_RUNS


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A real run among whose files lies all that is no log."""
    run = tmp_path / "run"
    shutil.copytree(SAMPLE_RUNS / "grpo-healthy", run)
    (run / "metrics.json").write_bytes(pickle.dumps({"loss": 1.0}))
    (run / "model.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0")
    (run / "empty.csv").write_bytes(b"")
    (run / "notes\x1b[31m.txt").write_text("hello")
    (run / "loop").symlink_to("loop")
    os.mkfifo(run / "pipe")
    with (run / "rldk" / "events-rank00000.jsonl").open("ab") as log:
        log.write(b"garbage\n")
    return run


def files_of(run: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["doctor", str(run), "--json"]) == 0
    return {source["path"]: source for source in json.loads(capsys.readouterr().out)["files"]}


def test_every_file_is_read_by_somebody_or_left_with_a_reason(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = files_of(run, capsys)
    assert set(files) == {str(file.relative_to(run)) for file in run.rglob("*") if file.is_symlink() or not file.is_dir()}
    assert all(source["format"] or source["remark"] for source in files.values())
    log = files["rldk/events-rank00000.jsonl"]
    assert log["format"] == "RLDK event log"
    assert dict(log["told"])["metric values"] > 2000
    assert "not JSON" in log["remark"]
    assert "pickle" in files["metrics.json"]["remark"]
    assert "checkpoints" in files["model.safetensors"]["remark"]
    assert "pipe" in files["pipe"]["remark"]
    assert files["checkpoint-60/trainer_state.json"]["remark"] == "repeats what a newer one says"


def test_a_log_that_is_replaced_while_it_is_read_counts_once(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = run / "rldk" / "events-rank00000.jsonl"
    shorter = b"".join(log.read_bytes().splitlines(keepends=True)[:20])
    poll, polls = Follower.poll, 0

    def replaced_between(follower: Follower, most: int | None = None) -> Batch:
        nonlocal polls
        polls += 1
        if polls == 2:
            log.write_bytes(shorter)
        return poll(follower, most)

    monkeypatch.setattr(run_files, "_PIECE", 1)
    monkeypatch.setattr(Follower, "poll", replaced_between)
    during = files_of(run, capsys)
    assert polls > 2
    assert during == files_of(run, capsys)


def test_for_people_files_alike_share_a_line_and_names_are_harmless(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(run)]) == 0
    said = capsys.readouterr().out
    assert "completions/completions_*.parquet (12 files)" in said
    assert "288 generations" in said
    assert "\x1b" not in said


def test_which_run_it_is_and_who_tells_of_what(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(run), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["which"]["algorithm"] == "grpo"
    assert answer["which"]["launches"] == 1
    assert answer["metrics"]["kl"] == ["rldk/events-rank00000.jsonl", "trainer_state.json"]
    assert main(["doctor", str(run)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "rldk/events-rank00000.jsonl, trainer_state.json clip_fraction, " in said


def test_a_missing_library_is_named_with_what_brings_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    version = importlib.metadata.version

    def without_numba(name: str) -> str:
        if name == "numba":
            raise importlib.metadata.PackageNotFoundError
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", without_numba)
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "not installed" in said
    assert "rldk-tui[fast]" in said


def test_a_library_that_is_there_and_does_not_work_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_pango(module: str) -> None:
        raise OSError("cannot load library 'libpango-1.0-0'")

    monkeypatch.setattr(importlib, "import_module", no_pango)
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "cannot be used: cannot load library 'libpango-1.0-0'" in said
    assert "apt-get install libpango" in said


def test_of_a_folder_without_a_log_each_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "results.json").write_text(
        '{"accuracy": 0.5, "seed": 42, "notes": "nothing of this tells a step of any training"}'
    )
    assert main(["doctor", str(tmp_path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "nothing: no file of it is a log" in said
    assert "numbers without a step" in said


def test_what_is_no_run_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(tmp_path / "nowhere")]) == 2
    assert "does not exist" in capsys.readouterr().err
