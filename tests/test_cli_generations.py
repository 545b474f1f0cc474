"""`rldk generations` and `rldk export` as a shell sees them."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from rich.cells import cell_len

from rldk_tui.cli import main
from tests.conftest import SAMPLE_RUNS

HOSTILE = "\x1b[31mred\x1b]0;owned\x07 \u202ereversed \x9b2J 日本語の答え 😀 \n\tline"

READERS: dict[str, Callable[[Path], pl.LazyFrame]] = {
    "parquet": lambda file: pl.scan_parquet(file),
    "csv": lambda file: pl.scan_csv(file),
    "jsonl": lambda file: pl.scan_ndjson(file),
}


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def wrote(run: Path, step: int, *rows: tuple[str, str, float | None], **more: list[object]) -> None:
    """A step's table as TRL writes it."""
    prompts, texts, rewards = zip(*rows, strict=True)
    columns = {"step": [step] * len(rows), "prompt": prompts, "completion": texts, "correct": rewards, **more}
    (run / "completions").mkdir(exist_ok=True)
    pl.DataFrame(columns, strict=False).write_parquet(run / "completions" / f"completions_{step:05d}.parquet")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two steps that share a prompt, hostile texts among them."""
    folder = tmp_path / "run"
    folder.mkdir()
    wrote(
        folder, 1, ("Add 2 and 2.", "The sum is five", 0.0), ("Add 2 and 2.", "It is a number", 0.25), ("Why?", HOSTILE, None)
    )
    wrote(folder, 5, ("Add 2 and 2.", "The sum is four", 1.0), ("Add 2 and 2.", "", 0.0), advantage=[0.7, -0.7])
    return folder


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["generations", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def objects(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[dict[str, object]]:
    def refuse(token: str) -> None:
        raise AssertionError(f"{token} is no JSON")

    return [json.loads(line, parse_constant=refuse) for line in told(capsys, *arguments, "--json").splitlines()]


def test_everything_newest_last(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = objects(capsys, run)
    assert [(one["step"], one["row"]) for one in found] == [(1, 0), (1, 1), (1, 2), (5, 0), (5, 1)]
    assert found[3] == {
        "step": 5,
        "phase": "train",
        "row": 0,
        "prompt_hash": found[0]["prompt_hash"],
        "reward": 1.0,
        "rewards": {"correct": 1.0},
        "advantage": 0.7,
        "length": None,
        "truncated": None,
        "prompt": "Add 2 and 2.",
        "completion": "The sum is four",
        "source": "completions/completions_00005.parquet",
    }


def test_worst_and_best(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [one["reward"] for one in objects(capsys, run, "--worst", 3)] == [0.0, 0.0, 0.25]
    assert [one["reward"] for one in objects(capsys, run, "--best", 2)] == [1.0, 0.25]
    assert objects(capsys, run, "--best")[-1]["reward"] is None
    assert "1 without a value to sort by stand last" in told(capsys, run, "--worst")


def test_where_search_step_and_sort(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [one["step"] for one in objects(capsys, run, "--where", "reward < 0.1")] == [1, 5]
    assert [one["step"] for one in objects(capsys, run, "--search", "SUM IS")] == [1, 5]
    assert [one["row"] for one in objects(capsys, run, "--step", "2..", "--sort", "characters")] == [1, 0]
    assert [one["row"] for one in objects(capsys, run, "--step", "1", "--sort", "reward:desc")] == [1, 0, 2]
    assert "2 of 5 generations" in told(capsys, run, "--limit", 2)


def test_what_fits_nothing_says_so_and_why(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "No generation fits. truncated: not on record" in told(capsys, run, "--where", "truncated and reward < 1")
    assert told(capsys, run, "--where", "step > 9").strip() == "No generation fits."
    assert objects(capsys, run, "--where", "step > 9") == []


def test_a_prompt_over_the_steps(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mark = str(objects(capsys, run)[0]["prompt_hash"])
    text = told(capsys, run, "--prompt", mark[:6])
    assert f"prompt {mark} · 4 answers at 2 steps" in text
    assert text.count("Add 2 and 2.") == 1
    assert len(objects(capsys, run, "--prompt", mark.upper())) == 4


def test_groups_are_whole(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = objects(capsys, run, "--group", "--best", 1)
    assert [len(one["samples"]) for one in found] == [2]  # type: ignore[arg-type]
    text = told(capsys, run, "--group", "--best", 1)
    assert "mean reward 0.5 (0 to 1)" in text
    assert "+0.7" in text
    assert "(empty)" in text


def test_two_steps_are_compared(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, run, "--diff", 1, 5, "--where", "contains(completion, 'sum')")
    assert "The sum is [-five-] {+four+}" in text
    (pair,) = objects(capsys, run, "--diff", 1, 5)
    assert (pair["mean_reward_before"], pair["mean_reward_after"]) == (0.125, 0.5)
    beside = told(capsys, run, "--diff", 1, 5, "--side-by-side")
    assert "It is a number" in beside
    assert " │ The sum is four" in beside


@pytest.mark.parametrize("form", [(), ("--group",), ("--full",), ("--diff", "1", "5"), ("--diff", "1", "5", "--side-by-side")])
@pytest.mark.parametrize("width", [40, 80])
def test_hostile_text_steers_no_terminal(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, form: tuple[str, ...], width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    wrote(run, 5, ("Why?", HOSTILE * 40, 0.5), ("Why?", HOSTILE, 0.5))
    text = told(capsys, run, *form)
    assert not set(text) & {"\x1b", "\x07", "\u202e", "\x9b", "\t"}
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert "red" in text
    assert told(capsys, run, *form, "--ascii").isascii()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--where", "reward < 0.1 andd truncated"], "at column 14"),
        (["--where", "rewrd < 1"], "The fields are step, phase"),
        (["--sort", "lenght"], "Did you mean length?"),
        (["--diff", "1", "4"], "No generation of step 4 fits."),
        (["--diff", "1", "1"], "compared with itself"),
        (["--diff", "1", "5", "--worst"], "not sorted"),
        (["--side-by-side"], "a form of --diff"),
    ],
)
def test_an_error_is_said_and_exits_2(run: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    assert main(["generations", str(run), *arguments]) == 2
    out = capsys.readouterr()
    assert out.out == ""
    assert said in out.err


def test_the_mark_stands_below_the_place(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["generations", str(run), "--where", "completion = '日本' andd reward > 1"])
    lines = capsys.readouterr().err.splitlines()
    at = lines[2].index("^")
    assert cell_len(lines[1][: lines[1].index("andd")]) == at


def test_a_run_without_generations_says_how_to_record_them(sample_runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, said in (("sft-nan-weights", "samples nothing"), ("ppo-negative-kl", "RLDKCallback.attach(trainer)")):
        assert main(["generations", str(sample_runs / name)]) == 2
        assert said in capsys.readouterr().err


def test_a_pager_that_closes_early_is_no_error(sample_runs: Path) -> None:
    command = f"{sys.executable} -m rldk_tui.cli generations {sample_runs / 'grpo-stock'} --limit 0 | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("step 10")
    assert done.stderr == ""


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
def test_generations_are_exported(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    file = tmp_path / f"out.{kind}"
    assert main(["export", str(run), "--generations", "-o", str(file), "--where", "reward >= 0"]) == 0
    assert "4 generations" in capsys.readouterr().out
    table = READERS[kind](file).collect()
    assert table["reward"].to_list() == [0.0, 0.25, 1.0, 0.0]
    assert set(table.columns) >= {"step", "row", "prompt", "completion", "rewards/correct", "prompt_hash"}
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [file.name]


def test_an_export_goes_nowhere_it_would_do_harm(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["--generations", "-o", str(run / "x.parquet")],
        ["--generations", "-o", str(tmp_path / "no" / "x.csv")],
        ["--generations", "-o", str(tmp_path / "x.xlsx")],
    ):
        assert main(["export", str(run), *arguments]) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_what_is_no_text_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prose = (SAMPLE_RUNS.parent / "docs" / "generations.md").read_text()
    rng = random.Random(1)
    for step in range(1, 31):
        begins = [rng.randrange(len(prose) - 300) for _ in range(8)]
        wrote(tmp_path, step, *((f"prompt {begin}", prose[begin : begin + 300], 0.5) for begin in begins))
    noise = "".join(chr(rng.randrange(33, 127)) for _ in range(300))
    wrote(tmp_path, 31, ("prompt", noise, 0.5), ("prompt", prose[:300], 0.5))
    assert main(["generations", str(tmp_path), "--where", "disorder > 0.9", "--json"]) == 0
    (found,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (found["step"], found["row"]) == (31, 0)


def test_steps_that_share_no_prompt_name_two_that_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for step in (1, 2, 3, 4):
        wrote(tmp_path, step, (f"prompt {step % 3}", "text", 0.5))
    assert main(["generations", str(tmp_path), "--diff", "2", "3"]) == 2
    assert "1 prompt of this run can be compared with --diff 1 4." in capsys.readouterr().err
    assert main(["generations", str(tmp_path), "--diff", "1", "4"]) == 0
