"""The page of a completion whose step is not in memory any more."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from rldk_tui.session import RunHealth, RunSession
from rldk_tui.tui import recalled
from rldk_tui.tui.cells import Box
from rldk_tui.tui.pages.generation import placed_page
from rldk_tui.tui.view import view_of

STEPS = 60
BOX = Box(100, None)


@pytest.fixture
def health(tmp_path: Path) -> RunHealth:
    """A run whose lowest reward was given to a reply that is not in memory."""
    (tmp_path / "completions").mkdir()
    for step in range(1, STEPS + 1):
        low = -5.0 if step == 20 else 0.0
        columns = {"step": [step] * 2, "prompt": ["p"] * 2, "completion": [f"{step} low", f"{step} high"], "score": [low, 1.0]}
        pl.DataFrame(columns).write_parquet(tmp_path / "completions" / f"completions_{step:05d}.parquet")
    found = RunSession(tmp_path).poll()
    assert 20 not in {log.step for log in found.snapshot.completions}
    return found


def page_of_the_lowest(health: RunHealth) -> str:
    assert health.rewards is not None
    lowest = health.rewards.lowest[0]
    assert (lowest.step, lowest.reward) == (20, -5.0)
    return "\n".join(row.text for row in placed_page(lowest).draw(view_of(health), BOX))


def test_the_group_is_read_again(health: RunHealth) -> None:
    page = page_of_the_lowest(health)
    assert "20 low" in page
    assert "2 answers to this prompt" in page
    assert "20 high" in page


def test_what_is_gone_is_said_and_its_own_text_is_there(health: RunHealth) -> None:
    shutil.rmtree(health.directory / "completions")
    page = page_of_the_lowest(health)
    assert "20 low" in page
    assert "completions_00020.parquet cannot be read again" in page.replace("\n", " ")


def test_a_large_file_is_left_to_the_shell(health: RunHealth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recalled, "LARGEST", 10)
    assert "rldk generations RUN --step 20" in page_of_the_lowest(health).replace("\n", " ")
