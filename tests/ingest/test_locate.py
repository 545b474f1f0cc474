"""What a person types becomes a run directory, or one clear sentence."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from rldk_tui.errors import UserError
from rldk_tui.ingest import NoLogError, is_run, locate
from tests.conftest import SAMPLE_RUNS


@pytest.mark.parametrize("name", ["grpo-healthy", "grpo-collapsed", "ppo-negative-kl", "grpo-stock"])
def test_a_run_directory_is_itself(name: str) -> None:
    assert locate(SAMPLE_RUNS / name) == SAMPLE_RUNS / name


def test_a_link_to_a_run_is_that_run(tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to(SAMPLE_RUNS / "grpo-healthy")
    assert locate(tmp_path / "latest") == tmp_path / "latest"


def test_of_a_folder_of_runs_the_newest_is_meant(tmp_path: Path) -> None:
    for name, written in (("grpo-healthy", 100), ("grpo-stock", 200), ("ppo-negative-kl", 50)):
        shutil.copytree(SAMPLE_RUNS / name, tmp_path / name)
        for file in (tmp_path / name).rglob("*"):
            os.utime(file, (written, written))
    assert not is_run(tmp_path)
    assert locate(tmp_path) == tmp_path / "grpo-stock"


def test_a_run_with_checkpoints_alone_is_a_run(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint-5"
    checkpoint.mkdir()
    shutil.copy(SAMPLE_RUNS / "grpo-healthy" / "trainer_state.json", checkpoint)
    assert locate(tmp_path) == tmp_path


def test_what_is_no_run_is_said_in_one_sentence_with_a_hint(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_text("hello")
    empty = tmp_path / "empty"
    empty.mkdir()
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").write_text("nothing")
    cases = {
        tmp_path / "emtpy": ("does not exist", "Did you mean"),
        file: ("is a file", "folder it lies in"),
        empty: ("is empty", "Looked for"),
        other: ("holds no training log", "Looked for"),
    }
    for path, (sentence, hint) in cases.items():
        with pytest.raises(UserError) as caught:
            locate(path)
        assert sentence in caught.value.message
        assert hint in (caught.value.hint or "")
        assert caught.value.exit_code == 2


def test_no_log_is_told_from_other_errors(tmp_path: Path) -> None:
    with pytest.raises(NoLogError):
        locate(tmp_path)


def test_links_to_themselves_and_unreadable_folders_hide_nothing_else(tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(SAMPLE_RUNS / "grpo-healthy", run)
    (run / "a").symlink_to("b")
    (run / "b").symlink_to("a")
    assert locate(run) == run
    assert locate(tmp_path) == run


def test_a_path_that_cannot_be_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be looked at"):
        locate(tmp_path / ("x" * 5000))


def a_console(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train.log").write_text("{'loss': 0.5, 'epoch': 0.1}\n")
    return folder


def test_a_console_alone_makes_a_run(tmp_path: Path) -> None:
    assert locate(a_console(tmp_path)) == tmp_path
    assert locate(a_console(tmp_path / "runs" / "x").parent) == tmp_path / "runs" / "x"


def test_a_console_beside_a_folder_of_runs_is_no_run(tmp_path: Path) -> None:
    a_console(tmp_path)
    shutil.copytree(SAMPLE_RUNS / "grpo-stock", tmp_path / "stock")
    assert locate(tmp_path) == tmp_path / "stock"


@pytest.mark.parametrize(("name", "text"), [("metrics.jsonl", '{"step": 1, "loss": 1.0}\n'), ("log.csv", "step,loss\n1,1.0\n")])
def test_any_frameworks_log_makes_a_run(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert is_run(tmp_path)


def test_a_table_beside_several_runs_is_about_them(tmp_path: Path) -> None:
    (tmp_path / "results.csv").write_text("step,loss\n1,1.0\n")
    assert locate(tmp_path) == tmp_path
    for name, written in (("a", 100), ("b", 200)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "metrics.jsonl").write_text('{"step": 1, "loss": 1.0}\n')
        os.utime(folder / "metrics.jsonl", (written, written))
    assert not is_run(tmp_path)
    assert locate(tmp_path) == tmp_path / "b"


def test_what_a_tracker_keeps_of_a_run_in_media_is_no_run(tmp_path: Path) -> None:
    tables = tmp_path / "media" / "table"
    tables.mkdir(parents=True)
    source = next((Path(__file__).parents[1] / "readers" / "fixtures" / "tables-of-wandb").iterdir())
    (tables / source.name).write_bytes(source.read_bytes())
    (tmp_path / "wandb-summary.json").write_text('{"_step": 4, "loss": 0.5, "_runtime": 3.5}')
    assert locate(tmp_path) == tmp_path


def test_a_persons_own_folder_named_media_is_looked_into(tmp_path: Path) -> None:
    shutil.copytree(SAMPLE_RUNS / "grpo-stock", tmp_path / "media" / "grpo-stock")
    assert locate(tmp_path) == tmp_path / "media" / "grpo-stock"


def test_a_table_beside_checkpoints_is_of_their_training(tmp_path: Path) -> None:
    (tmp_path / "trainer_log.jsonl").write_text('{"current_steps": 5, "total_steps": 300, "loss": 2.2}\n' * 2)
    for step in (100, 300):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text('{"log_history": [{"step": 5, "loss": 2.2}]}')
    assert locate(tmp_path) == tmp_path
