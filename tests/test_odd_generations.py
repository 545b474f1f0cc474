"""Odd tables of generations, from the file to every face: each is shown as it is, or it is said what it is not."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from rldk_tui.cli import main
from rldk_tui.report.sections import generations, reward
from rldk_tui.session import RunHealth, RunSession
from rldk_tui.tui.cells import Box
from rldk_tui.tui.pages.generation import generation_page
from rldk_tui.tui.pages.reward import reward_page
from rldk_tui.tui.panels import panel_named
from rldk_tui.tui.view import view_of

ROWS = 8
WIDE = Box(100, 40)


def table(run: Path, step: int, **columns: Any) -> Path:
    """One step's table; what is not given is ordinary."""
    ordinary: dict[str, Any] = {
        "step": [step] * ROWS,
        "prompt": [f"question {row // 4}" for row in range(ROWS)],
        "completion": [f"answer {row} of step {step}" for row in range(ROWS)],
        "advantage": [0.0] * ROWS,
    }
    given = {name: values for name, values in {**ordinary, **columns}.items() if values is not None}
    file = run / "completions" / f"completions_{step:05d}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(given, strict=False).write_parquet(file)
    return file


def every_face(run: Path, capsys: pytest.CaptureFixture[str]) -> tuple[RunHealth, str]:
    """The run's health, drawn wherever its generations are; and what the shell prints of them."""
    health = RunSession(run).poll()
    view = view_of(health)
    panel_named("generations").draw(view, WIDE)
    reward_page().draw(view, WIDE)
    for log in health.snapshot.completions:
        for row in range(len(log.rows)):
            generation_page(log, row).draw(view, WIDE)
    reward.build(health)
    generations.build(health)
    assert main(["generations", str(run), "--worst", "3", "--json"]) == 0
    assert main(["generations", str(run), "--worst", "3", "--ascii"]) == 0
    return health, capsys.readouterr().out


def test_no_rewards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for step in (1, 2):
        table(tmp_path, step)
    health, said = every_face(tmp_path, capsys)
    assert health.rewards is None
    assert '"rewards": {}' in said
    assert reward.build(health) is None


@pytest.mark.parametrize(
    ("rewards", "kept"),
    [
        ([0.5, *[None] * 7], 1),
        ([1.0] * 8, 8),
        ([math.nan, math.inf, -math.inf, None, 0.25, 0.5, 0.75, 1.0], 4),
        ([1e300, -1e300, *[0.0] * 6], 8),
    ],
    ids=["one", "all equal", "none finite but some", "huge"],
)
def test_strange_rewards(rewards: list[float | None], kept: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for step in range(1, 13):
        table(tmp_path, step, score=rewards)
    health, _ = every_face(tmp_path, capsys)
    assert health.rewards is not None
    assert health.rewards.reliability.seen == 12 * kept
    section = reward.build(health)
    assert section is not None
    assert all("nan" not in aspect.evidence for aspect in section.aspects)


def test_rewards_kept_as_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table(tmp_path, 1, score=["0.5", " 1 ", None, "nan", "1e-3", "0", "0", "2"], verdict=["good"] * ROWS)
    health, said = every_face(tmp_path, capsys)
    assert [row.rewards["score"] for row in health.snapshot.completions[0].rows][:3] == [0.5, 1.0, None]
    assert "verdict" not in said


def test_conversations_and_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = [[{"role": "user", "content": [{"type": "image", "text": None}, {"type": "text", "text": "What is this?"}]}]] * ROWS
    said = [[{"role": "assistant", "content": f"reply {row}"}] for row in range(ROWS)]
    table(tmp_path, 1, prompt=asked, completion=said, score=[0.1 * row for row in range(ROWS)])
    _, printed = every_face(tmp_path, capsys)
    assert "[image]What is this?" in printed
    assert "assistant: reply 0" in printed


@pytest.mark.parametrize("text", ["", "x" * 1_000_000, "word " * 200_000, "\x1b[2J\x00\u202e" * 100, "世" * 300_000])
def test_texts_of_any_length(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for step in (1, 2):
        table(tmp_path, step, completion=[text] * ROWS, score=[0.0] * ROWS)
    health, printed = every_face(tmp_path, capsys)
    assert health.snapshot.series("samples/unique_in_group").latest == 0.0
    assert "\x1b" not in printed


def test_a_half_written_table_hides_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table(tmp_path, 1, score=[0.5] * ROWS)
    torn = table(tmp_path, 2, score=[0.5] * ROWS)
    torn.write_bytes(torn.read_bytes()[:-40])
    health, _ = every_face(tmp_path, capsys)
    assert [log.step for log in health.snapshot.completions] == [1]
    assert any("not whole yet" in problem.message for problem in health.snapshot.problems)


def test_columns_that_change_and_rewards_that_begin_in_the_middle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table(tmp_path, 1, first=[0.5] * ROWS)
    table(tmp_path, 2, first=[0.5] * ROWS, second=[1.0] * ROWS)
    table(tmp_path, 3, second=["none"] * ROWS, third=[2] * ROWS, advantage=None)
    health, _ = every_face(tmp_path, capsys)
    assert [sorted(log.rows[0].rewards) for log in health.snapshot.completions] == [["first"], ["first", "second"], ["third"]]
    assert health.rewards is not None
    assert [float(rewards[0]) for rewards in health.rewards.rewards] == [0.5, 1.5, 2.0]
    assert main(["generations", str(tmp_path), "--where", "second = 1", "--json"]) == 0
    assert capsys.readouterr().out.count("\n") == ROWS
