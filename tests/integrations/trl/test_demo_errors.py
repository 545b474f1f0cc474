"""The demonstration holds what it shows: nothing hidden, everything reported, nothing sound accused."""

from __future__ import annotations

from pathlib import Path

import pytest

from rldk_tui.integrations.trl import demo_errors
from tests.conftest import SAMPLE_RUNS

pytest.importorskip("transformers")


@pytest.mark.parametrize("rate", demo_errors.RATES)
def test_every_fault_put_into_a_real_log_is_reported_and_none_is_hidden(rate: float, tmp_path: Path) -> None:
    rows = demo_errors.recorded_rows(SAMPLE_RUNS / "grpo-healthy")
    seen = demo_errors.outcome(rows, rate, tmp_path)
    assert seen.injected == round(rate * len(rows))
    assert (seen.reported, seen.hidden, seen.false) == (seen.injected, 0, 0)
    assert seen.zeros + seen.passed == seen.injected, "the silent way reports none"
    assert seen.events == seen.warnings <= seen.injected


def test_it_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo_errors.main([]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:]] == ["10%", "20%", "30%", "40%", "50%"]


def test_a_directory_without_a_log_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo_errors.main([str(tmp_path)]) == 2
    assert "cannot read the run" in capsys.readouterr().err
