"""Generations of a run: as one table, read again, and read in pieces."""

from __future__ import annotations

import json
import math
from pathlib import Path

import polars as pl
import pytest

from rldk_tui.events import Completion, Completions, Phase, ReadProblem, RunStarted, encode_line
from rldk_tui.ingest import Follower, rows_of, scan_generations
from rldk_tui.session import RunSession
from tests.conftest import SAMPLE_RUNS

START = RunStarted(time=1.0, schema_version=1, run_id="x", host="h", pid=7)


def a_table(run: Path, step: int, **columns: object) -> Path:
    file = run / "completions" / f"completions_{step:05d}.parquet"
    file.parent.mkdir(exist_ok=True, parents=True)
    told = columns.get("completion")
    count = len(told) if isinstance(told, list) else 2
    given = {"step": [step] * count, "prompt": ["p"] * count, "completion": [f"c{step}", "d"][:count], **columns}
    pl.DataFrame(given, strict=False).write_parquet(file)
    return file


def test_the_table_holds_what_the_snapshot_holds() -> None:
    run = SAMPLE_RUNS / "grpo-healthy"
    table = scan_generations(run).sort("step", "row").collect()
    rows = [(event.step, row) for event in RunSession.open(run).poll().snapshot.completions for row in event.rows]
    assert table["step"].to_list() == [step for step, _ in rows]
    assert table["completion"].to_list() == [row.completion for _, row in rows]
    assert table["reward"].to_list() == [row.total_reward for _, row in rows]
    assert table["prompt_hash"].n_unique() == table["prompt"].n_unique()


def test_columns_that_change_from_file_to_file_are_all_there(tmp_path: Path) -> None:
    a_table(tmp_path, 1, right=[1.0, math.nan])
    a_table(tmp_path, 2, right=[None, None], short=["0.5", "inf"], note=["a", "b"])
    a_table(tmp_path, 3, completion=["", "y" * 1_000_000], advantage=["1", "x"])
    table = scan_generations(tmp_path).sort("step", "row").collect()
    assert {"rewards/right", "rewards/short"} == {name for name in table.columns if name.startswith("rewards/")}
    assert table["reward"].to_list() == [1.0, None, 0.5, math.inf, None, None]
    assert table["completion"].str.len_chars().to_list() == [2, 1, 2, 1, 0, 1_000_000]
    worst = scan_generations(tmp_path).filter(pl.col("rewards/short") < 1).select("step", "row").collect()
    assert worst.rows() == [(2, 0)]


def test_our_log_is_believed_before_the_table_and_lines_join_both(tmp_path: Path) -> None:
    a_table(tmp_path, 1, right=[0.0, 0.0])
    log = tmp_path / "rldk" / "events-rank00000.jsonl"
    log.parent.mkdir()
    own = Completions(time=2.0, step=1, rows=(Completion(prompt="p", completion="ours", rewards={"right": 1.0}, length=3),))
    log.write_bytes(encode_line(START) + encode_line(own))
    (tmp_path / "2.jsonl").write_text(json.dumps({"prompt": "p", "response": "theirs \ud800", "score": 0.5}) + "\n")
    table = scan_generations(tmp_path).sort("step").collect()
    assert table["source"].to_list() == ["rldk/events-rank00000.jsonl", "2.jsonl"]
    assert table["length"].to_list() == [3, None]
    assert table["completion"].to_list() == ["ours", "theirs ?"]
    assert [event.step for event in RunSession.open(tmp_path).poll().snapshot.completions] == [1, 2]


def test_a_run_without_generations_is_an_empty_table(tmp_path: Path) -> None:
    assert scan_generations(tmp_path).collect().height == 0


def test_steps_out_of_memory_are_read_again_or_said_to_be_gone(tmp_path: Path) -> None:
    files = [a_table(tmp_path, step, right=[step / 100, 0.0]) for step in range(1, 81)]
    health = RunSession.open(tmp_path).poll()
    on_record, held = health.snapshot.generations, {event.step for event in health.snapshot.completions}
    assert len(on_record) == 80 > len(held)
    absent = next(logged for logged in on_record if logged.step not in held)
    again = health.generations(absent)
    assert isinstance(again, Completions)
    assert again.rows[0].completion == f"c{absent.step}"
    files[absent.step - 1].unlink()
    gone = health.generations(absent)
    assert isinstance(gone, ReadProblem)
    assert "cannot be read again" in gone.message


def test_what_was_written_over_is_not_there_any_more(tmp_path: Path) -> None:
    file = a_table(tmp_path, 5)
    pl.read_parquet(file).with_columns(step=9).write_parquet(file)
    problem = rows_of(tmp_path, "completions/completions_00005.parquet", 5, Phase.TRAIN)
    assert isinstance(problem, ReadProblem)
    assert "step 5" in problem.message


@pytest.mark.parametrize("most", [1, 5_000])
def test_pieces_are_the_whole(tmp_path: Path, most: int) -> None:
    for step in range(1, 30):
        a_table(tmp_path, step)
    whole = [event for event, _ in Follower(tmp_path).poll().events]
    follower, pieces = Follower(tmp_path), []
    while (batch := follower.poll(most)).more:
        pieces.append(batch.events)
    pieces.append(batch.events)
    assert len(pieces) > 1
    assert repr([event for piece in pieces for event, _ in piece]) == repr(whole)
    assert follower.poll(most).events == []


def test_a_look_at_a_piece_says_that_there_is_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rldk_tui.session.FIRST_PIECE", 0.25)
    for step in (1, 2, 3):
        a_table(tmp_path, step)
    session, looks = RunSession(tmp_path), []
    while (health := session.poll(whole=False)).more:
        looks.append(len(health.snapshot.generations))
    assert [*looks, len(health.snapshot.generations)] == [1, 2, 3]
