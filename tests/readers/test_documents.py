"""The documents TRL writes: final state, completions, model card."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path, PurePath

import polars as pl
import pytest

from rldk_tui.events import Algorithm, Completions, Metrics, Phase, ReadProblem, RunDescribed, RunEnded
from rldk_tui.readers import DocumentFormat, Read, completions_parquet, model_card, read_safely, trainer_state
from tests.conftest import SAMPLE_RUNS


def read(form: DocumentFormat, file: Path) -> list[Read]:
    return read_safely(form, file, PurePath(file.name))


def a_state(folder: Path, text: str) -> Path:
    file = folder / "trainer_state.json"
    file.write_text(text)
    return file


def test_a_real_final_state_gives_every_row_of_its_history() -> None:
    file = SAMPLE_RUNS / "grpo-healthy" / "trainer_state.json"
    history = json.loads(file.read_text())["log_history"]
    rows = [event for event in read(trainer_state.FORMAT, file) if isinstance(event, Metrics)]
    assert [row.step for row in rows] == [entry["step"] for entry in history]
    assert rows[0].values["reward"] == history[0]["reward"]
    assert rows[-1].phase is Phase.FINAL


def test_none_nan_and_eval_rows_are_told_apart(tmp_path: Path) -> None:
    history = '[{"step": 1, "loss": NaN, "reward": null}, {"step": 1, "eval_loss": 2.0, "eval_reward": 0.5, "epoch": 0.1}]'
    file = a_state(tmp_path, f'{{"log_history": {history}, "global_step": 1, "max_steps": 9}}')
    problem, described, train, evaluation = read(trainer_state.FORMAT, file)
    assert isinstance(problem, ReadProblem)
    assert isinstance(described, RunDescribed)
    assert described.max_steps == 9
    assert isinstance(train, Metrics)
    assert train.values["reward"] is None
    assert math.isnan(train.values["loss"] or 0.0)
    assert isinstance(evaluation, Metrics)
    assert (evaluation.phase, evaluation.values["loss"]) == (Phase.EVAL, 2.0)


@pytest.mark.parametrize(("reached", "ended"), [(9, True), (8, False)])
def test_training_is_over_when_the_state_reached_its_last_step(tmp_path: Path, reached: int, *, ended: bool) -> None:
    file = a_state(tmp_path, f'{{"log_history": [], "global_step": {reached}, "max_steps": 9}}')
    assert any(isinstance(event, RunEnded) for event in read(trainer_state.FORMAT, file)) is ended


@pytest.mark.parametrize("text", ["", "{", "[]", '{"log_history": 3}', "\x80\x04pickle"])
def test_a_broken_state_is_one_problem(tmp_path: Path, text: str) -> None:
    (problem,) = read(trainer_state.FORMAT, a_state(tmp_path, text))
    assert isinstance(problem, ReadProblem)
    assert "could not be read" in problem.message


def test_a_real_completions_file_gives_its_rows() -> None:
    file = min((SAMPLE_RUNS / "grpo-healthy" / "completions").iterdir())
    table = pl.read_parquet(file)
    (event,) = read(completions_parquet.FORMAT, file)
    assert isinstance(event, Completions)
    assert event.step == table["step"][0]
    assert [row.completion for row in event.rows] == table["completion"].to_list()
    assert [row.advantage for row in event.rows] == table["advantage"].to_list()
    assert set(event.rows[0].rewards) == set(table.columns) - {"step", "prompt", "completion", "advantage"}


def test_a_conversation_is_shown_as_lines_and_nan_rewards_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "completions_00003.parquet"
    turns = [{"role": "user", "content": "hi"}]
    pl.DataFrame({"step": [3], "prompt": [turns], "completion": ["yo"], "style": [math.nan], "advantage": [0.5]}).write_parquet(
        file
    )
    (event,) = read(completions_parquet.FORMAT, file)
    assert isinstance(event, Completions)
    assert event.rows[0].prompt == "user: hi"
    assert math.isnan(event.rows[0].rewards["style"] or 0.0)


def test_a_half_written_completions_file_is_one_problem(tmp_path: Path) -> None:
    source = min((SAMPLE_RUNS / "grpo-healthy" / "completions").iterdir())
    file = tmp_path / source.name
    file.write_bytes(source.read_bytes()[:-100])
    (problem,) = read(completions_parquet.FORMAT, file)
    assert isinstance(problem, ReadProblem)
    assert "not whole yet" in problem.message


def test_the_model_card_tells_the_trainer() -> None:
    (event,) = read(model_card.FORMAT, SAMPLE_RUNS / "grpo-stock" / "README.md")
    assert isinstance(event, RunDescribed)
    assert event.algorithm is Algorithm.GRPO
    assert "trl" in event.versions


def test_somebody_elses_readme_is_not_claimed() -> None:
    assert not model_card.FORMAT.claims(PurePath("README.md"), b"# My project\n")
    assert not model_card.FORMAT.claims(PurePath("docs/README.md"), b"---\ntags:\n- trl\n---")


def test_a_completions_file_of_odd_types_is_read(tmp_path: Path) -> None:
    file = tmp_path / "completions_00007.parquet"
    turns = [{"role": "user", "content": [{"type": "image", "text": None}, {"type": "text", "text": "hi"}]}]
    columns = {"prompt": [turns], "completion": [b"\xff ok"], "none": [None], "flag": [True], "text": ["0.5"], "note": ["so"]}
    pl.DataFrame({**columns, "step": ["x"], "images": [[b"..."]], "far": [-math.inf]}).write_parquet(file)
    (event,) = read(completions_parquet.FORMAT, file)
    assert isinstance(event, Completions)
    (row,) = event.rows
    assert (event.step, row.prompt, row.completion, row.advantage) == (7, "user: [image]hi", "\ufffd ok", None)
    assert row.rewards == {"none": None, "flag": 1.0, "text": 0.5, "far": -math.inf}


def test_a_parquet_file_without_completions_is_one_problem(tmp_path: Path) -> None:
    file = tmp_path / "completions_00007.parquet"
    pl.DataFrame({"step": [1]}).write_parquet(file)
    (problem,) = read(completions_parquet.FORMAT, file)
    assert isinstance(problem, ReadProblem)
    assert "no column `completion`" in problem.message


def with_bytes_in_a_text(file: Path, bad: bytes) -> None:
    """A table of two replies whose second holds bytes that are no UTF-8."""
    mark = b"!" * len(bad)
    columns = {"step": [3, 3], "prompt": ["p", "p"], "completion": ["good", f"bad {mark.decode()}"], "score": [0.5, 1.0]}
    pl.DataFrame(columns).write_parquet(file, compression="uncompressed", statistics=False)
    file.write_bytes(file.read_bytes().replace(mark, bad))


def test_text_that_is_no_utf8_is_shown_with_marks_and_said(tmp_path: Path) -> None:
    file = tmp_path / "completions_00003.parquet"
    with_bytes_in_a_text(file, b"\xff\xfe\x80\xc3abcd")
    problem, event = read(completions_parquet.FORMAT, file)
    assert isinstance(problem, ReadProblem)
    assert "no UTF-8" in problem.message
    assert isinstance(event, Completions)
    assert [row.completion for row in event.rows] == ["good", "bad \ufffd\ufffd\ufffd\ufffdabcd"]
    assert [row.rewards for row in event.rows] == [{"score": 0.5}, {"score": 1.0}]


def test_without_pyarrow_such_a_table_says_what_would_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "completions_00003.parquet"
    with_bytes_in_a_text(file, b"\xff\xfe\x80\xc3abcd")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (problem,) = read(completions_parquet.FORMAT, file)
    assert isinstance(problem, ReadProblem)
    assert "pip install pyarrow" in problem.message
