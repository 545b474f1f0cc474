"""The main screen as one page of text."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from rldk_tui.session import RunSession
from rldk_tui.tui.once import render_once
from tests.builders import a_run
from tests.tui.runs import health_of_run, healthy_run, machine, troubled_run


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_longer_than_the_page(width: int) -> None:
    text = render_once(health_of_run(troubled_run(), *machine()), width)
    assert max(cell_len(row) for row in text.splitlines()) <= width
    assert "\x1b" not in text
    assert not any(row != row.rstrip() for row in text.splitlines())


def test_it_says_what_the_screen_says() -> None:
    text = render_once(health_of_run(troubled_run(), *machine()), 100)
    for part in (
        "grpo-qwen-17",
        "LIVE",
        "step 60 / 200",
        "truncation",
        "KL to reference",
        "✖ outside 0 to 0.5",
        "GPU0 H200",
        "NOT KNOWN",
    ):
        assert part in text
    assert "(u" not in text, "a printed page has no keys"


def test_in_ascii_it_is_ascii() -> None:
    assert render_once(health_of_run(troubled_run(), *machine()), 80, ascii=True).isascii()


def test_colours_only_where_they_are_wanted() -> None:
    assert "\x1b[" in render_once(health_of_run(troubled_run()), 80, color=True)


def test_an_empty_run_has_a_page() -> None:
    text = render_once(health_of_run(a_run()), 80)
    assert "Nothing could be judged yet" in text or "Nothing was found" in text


def test_hostile_text_is_shown() -> None:
    text = render_once(health_of_run(healthy_run(), name="x\x1b]0;owned\x07[red]"), 80)
    assert "x␛]0;owned␇[red]" in text
    assert "\x1b" not in text


def test_it_needs_no_textual(sample_runs: Path) -> None:
    code = (
        "import sys; from rldk_tui import open_run; from rldk_tui.tui.once import page_once; "
        f"print(page_once(open_run({str(sample_runs / 'grpo-healthy')!r}), ascii=True)); assert 'textual' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("grpo-healthy")
    assert done.stdout.isascii()


@pytest.mark.parametrize("name", ["grpo-healthy", "grpo-collapsed", "ppo-negative-kl", "grpo-stock"])
def test_every_sample_run_has_a_page(name: str, sample_runs: Path) -> None:
    text = render_once(RunSession.open(sample_runs / name).poll(), 80)
    assert "METRICS" in text
