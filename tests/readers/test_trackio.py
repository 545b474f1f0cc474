"""trackio's database: read while it is written, and never touched."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path, PurePath

import pytest

from rldk_tui.events import Metrics, ReadProblem, RunDescribed
from rldk_tui.ingest import Follower
from rldk_tui.readers import Read, read_safely
from rldk_tui.readers.trackio_sqlite import FORMAT

PROJECT = Path(__file__).parent / "fixtures" / "database-of-trackio" / "project.db"


def read(file: Path) -> list[Read]:
    return read_safely(FORMAT, file, PurePath(file.name))


def steps(reads: list[Read]) -> list[int]:
    return [event.step for event in reads if isinstance(event, Metrics)]


def log(
    database: sqlite3.Connection, run: str, step: int, row: dict[str, float | str], time: str = "2026-12-01T00:00:00"
) -> None:
    values = (run, time, run, step, json.dumps(row))
    database.execute("INSERT INTO metrics (run_id, timestamp, run_name, step, metrics) VALUES (?, ?, ?, ?, ?)", values)
    database.commit()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copy(PROJECT, tmp_path / "project.db"))


def test_the_newest_run_is_read_and_the_others_are_told() -> None:
    reads = read(PROJECT)
    assert steps(reads) == [0, 1, 2, 3, 4]
    (problem,) = [event for event in reads if isinstance(event, ReadProblem)]
    assert "2 runs" in problem.message
    assert any(isinstance(event, RunDescribed) and event.config == {"learning_rate": 0.0002} for event in reads)


def test_the_trainers_step_is_taken_and_not_the_count_of_calls(project: Path) -> None:
    with sqlite3.connect(project) as database:
        for call in range(3):
            log(database, "new", call, {"train/loss": 0.5, "train/global_step": 10 * (call + 1), "train/reward": "NaN"})
    assert steps(read(project)) == [10, 20, 30]


def test_a_database_with_a_writer_in_it_is_read_with_its_log_and_left_as_it_was(project: Path) -> None:
    writer = sqlite3.connect(project)
    writer.execute("PRAGMA journal_mode=WAL")
    log(writer, "live", 0, {"loss": 0.5})
    before = {file.name: file.read_bytes() for file in project.parent.iterdir() if not file.name.endswith("-shm")}
    assert steps(read(project)) == [0]
    assert {file.name: file.read_bytes() for file in project.parent.iterdir() if not file.name.endswith("-shm")} == before
    log(writer, "live", 1, {"loss": 0.4})
    assert steps(read(project)) == [0, 1]
    writer.close()


def test_a_row_in_the_write_ahead_log_alone_is_noticed(project: Path) -> None:
    writer = sqlite3.connect(project)
    writer.execute("PRAGMA journal_mode=WAL")
    log(writer, "live", 0, {"loss": 0.5})
    follower = Follower(project.parent)
    assert [event.step for event, _ in follower.poll().events if isinstance(event, Metrics)] == [0]
    log(writer, "live", 1, {"loss": 0.4})
    assert [event.step for event, _ in follower.poll().events if isinstance(event, Metrics)] == [0, 1]
    writer.close()


def test_somebody_elses_database_is_told(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "optuna.db") as database:
        database.execute("CREATE TABLE trials (id INTEGER)")
    (problem,) = read(tmp_path / "optuna.db")
    assert isinstance(problem, ReadProblem)
    assert "not trackio's" in problem.message


def test_a_query_that_never_ends_is_given_up(tmp_path: Path) -> None:
    file = tmp_path / "endless.db"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE metrics_of (run_id, timestamp, run_name, step, metrics)")
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, i, i, i, i FROM n"
        database.execute(f"CREATE VIEW metrics (run_id, timestamp, run_name, step, metrics) AS {endless}")
    (problem,) = read(file)
    assert isinstance(problem, ReadProblem)
