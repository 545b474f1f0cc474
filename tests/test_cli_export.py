"""`rldk export RUN`: the history of a run, for other tools."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from rldk_tui.cli import main
from rldk_tui.events import SUBFOLDER, Event, Metrics, Phase, RunStarted, encode_line, event_log_name
from rldk_tui.session import RunSession
from tests.conftest import SAMPLE_RUNS

HEALTHY = SAMPLE_RUNS / "grpo-healthy"


@pytest.fixture
def resumed(tmp_path: Path) -> Path:
    """Two launches that overlap, with everything a cell can say."""
    run = tmp_path / "resumed"
    first = [Metrics(time=float(step), step=step, values={"loss": step / 2, "kl": 1.0}) for step in range(1, 5)]
    second = [
        Metrics(time=10.0, step=3, values={"loss": math.nan, "reward": None}),
        Metrics(time=11.0, step=4, values={"loss": math.inf, "eval_loss": 3.0}),
        Metrics(time=11.5, step=4, phase=Phase.EVAL, values={"loss": 7.0}),
    ]
    start = RunStarted(time=0.0, schema_version=1, run_id="a", host="h", pid=1)
    again = RunStarted(time=9.0, schema_version=1, run_id="a", host="h", pid=2)
    (run / SUBFOLDER).mkdir(parents=True)
    log = run / SUBFOLDER / event_log_name(0)
    events: list[Event] = [start, *first, again, *second]
    log.write_bytes(b"".join(encode_line(event) for event in events))
    return run


def test_csv_is_printed_a_row_a_step(resumed: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["export", str(resumed)]) == 0
    table = pl.read_csv(capfdbinary.readouterr().out)
    assert table["step"].to_list() == [1, 2, 3, 4]
    assert table["launch"].to_list() == [1, 1, 2, 2]
    assert table["loss"].to_list()[:2] == [0.5, 1.0]
    assert math.isnan(table["loss"][2])
    assert table["loss"][3] == math.inf
    assert table["eval/loss"].to_list() == [None, None, None, 7.0]


def test_json_lines_lose_nothing(resumed: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["export", str(resumed), "--format", "jsonl"]) == 0
    rows = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert rows[2] == {"step": 3, "time": 3.0, "launch": 2, "loss": "nan", "kl": 1.0, "reward": None}
    assert rows[3]["loss"] == "inf"
    assert "reward" not in rows[0]


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_every_format_holds_every_number_of_the_run(ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / f"history.{ending}"
    assert main(["export", str(HEALTHY), "-o", str(output)]) == 0
    assert "120 steps" in capsys.readouterr().out
    table = {
        "parquet": lambda: pl.read_parquet(output),
        "csv": lambda: pl.read_csv(output, infer_schema_length=None),
        "jsonl": lambda: pl.read_ndjson(output, infer_schema_length=None),
    }[ending]()
    snapshot = RunSession(HEALTHY).read()
    for name in snapshot.metric_names():
        series = snapshot.series(name)
        found = table.filter(pl.col(name).is_not_null())
        assert found["step"].to_list() == series.steps.tolist(), name
        assert found[name].to_list() == series.values.tolist(), name


def test_parquet_is_a_file_named_like_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(HEALTHY), "--format", "parquet"]) == 0
    assert pl.read_parquet("grpo-healthy.parquet").height == 120


def test_a_place_in_the_run_or_of_an_unknown_kind_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(HEALTHY), "-o", str(HEALTHY / "x.csv")]) == 2
    assert main(["export", str(HEALTHY), "-o", str(tmp_path / "x.xls")]) == 2
    assert main(["export", str(HEALTHY), "-o", str(tmp_path / "no" / "x.csv")]) == 2
    said = capsys.readouterr().err
    assert "read as logs" in said
    assert ".xls" in said
    assert "cannot be written" in said


def test_a_reader_that_leaves_early_is_no_error() -> None:
    shell = f"{sys.executable} -m rldk_tui.cli export {HEALTHY} --format jsonl | head -1"
    ended = subprocess.run(["bash", "-c", f"set -o pipefail; {shell}"], capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    assert json.loads(ended.stdout)["step"] == 1


def test_an_empty_history_is_said_beside_the_empty_table(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "adapter_config.json").write_text(
        '{"base_model_name_or_path": "Qwen/Qwen2.5-3B", "peft_type": "LORA", "r": 64}'
    )
    assert main(["export", str(tmp_path)]) == 0
    printed = capfd.readouterr()
    assert printed.out == "step,time,launch\n"
    assert "no metric is logged" in printed.err
