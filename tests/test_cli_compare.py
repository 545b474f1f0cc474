"""`rldk compare` and `rldk check --baseline`, as they are called."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pypdf import PdfReader

from rldk_tui.cli import main
from tests.conftest import SAMPLE_RUNS
from tests.report.test_pdf import needs_pango

HEALTHY, COLLAPSED = str(SAMPLE_RUNS / "grpo-healthy"), str(SAMPLE_RUNS / "grpo-reward-collapse")


def test_it_says_which_is_better(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", HEALTHY, COLLAPSED]) == 0
    text = capsys.readouterr().out
    assert "By its reward, grpo-reward-collapse is worse than grpo-healthy" in text
    assert "lr_scheduler_type" in text


def test_json_and_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    title = "<b>Ours & theirs</b>"
    assert main(["compare", HEALTHY, COLLAPSED, "--by", "tokens", "--json", "-o", str(tmp_path), "--title", title]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "comparison.json").read_text())
    page = (tmp_path / "comparison.html").read_text()
    assert "&lt;b&gt;Ours &amp; theirs&lt;/b&gt;" in page
    assert title not in page
    assert page.count("<script>") == 1
    assert not re.search(r"<(script .|img|link|iframe)\b|https?://(?!www\.w3\.org/2000/svg)", page)
    assert printed["comparisons"][0]["says"][0] in page


@needs_pango
def test_the_pdf_has_every_run_and_the_verdict(tmp_path: Path) -> None:
    assert main(["compare", HEALTHY, COLLAPSED, "-o", str(tmp_path), "--pdf"]) == 0
    printed = PdfReader(tmp_path / "comparison.pdf")
    text = " ".join(" ".join(page.extract_text() for page in printed.pages).split())
    assert "By its reward, grpo-reward-collapse is worse than grpo-healthy" in text
    assert 2 <= len(printed.pages) <= 4


def test_a_pdf_needs_a_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", HEALTHY, COLLAPSED, "--pdf"]) == 2
    assert "-o DIR" in capsys.readouterr().err


def test_the_gate_fails_on_what_is_worse_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", COLLAPSED, "--baseline", HEALTHY]) == 1
    assert "WORSE than the baseline grpo-healthy" in capsys.readouterr().out
    assert main(["check", HEALTHY, "--baseline", COLLAPSED, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["baseline"]["passed"] is True
    assert answer["baseline"]["run"] == "grpo-reward-collapse"
    assert main(["check", COLLAPSED, "--baseline", HEALTHY, "--format", "markdown"]) == 1
    assert capsys.readouterr().out.startswith("**WORSE than the baseline grpo-healthy**")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--baseline", HEALTHY], "is the run itself"),
        (["--baseline", str(SAMPLE_RUNS / "ppo-negative-kl")], "one is ppo, the other grpo"),
        (["--baseline", "/no/such/run"], "does not exist"),
        (["--baseline", COLLAPSED, "--format", "junit"], "JUnit has no place"),
    ],
)
def test_a_baseline_that_is_none_is_refused(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", HEALTHY, *arguments]) == 2
    assert says in capsys.readouterr().err
