"""Every bundled run is found to have what its `expected_findings.toml` says: the product's golden master."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from rldk_tui.session import RunSession
from tests.conftest import SAMPLE_RUNS

MOST_BYTES = 400_000
RUNS = sorted(file.parent for file in SAMPLE_RUNS.glob("*/expected_findings.toml"))


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_a_run_is_judged_as_expected(run: Path) -> None:
    expected = tomllib.loads((run / "expected_findings.toml").read_text())
    health = RunSession(run, clock=lambda: 2_000_000_000.0).poll()
    assert health.snapshot.state.value == expected["state"]
    assert health.snapshot.info.algorithm is not None
    assert health.snapshot.info.algorithm.value == expected["algorithm"]
    found = [
        {
            "rule": finding.rule,
            "severity": finding.severity.value,
            "metric": finding.metric,
            "first_step": finding.first_step,
            "open": finding.open,
            "parent": finding.parent,
        }
        for finding in health.findings
    ]
    assert found == [{"metric": None, "parent": None, **finding} for finding in expected["findings"]]
    assert not health.rule_failures
    assert [f"{problem.source}: {problem.message}" for problem in health.snapshot.problems] == expected.get("problems", [])


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_a_run_is_small_and_named_in_the_readme(run: Path) -> None:
    assert sum(file.stat().st_size for file in run.rglob("*") if file.is_file()) <= MOST_BYTES
    assert run.name in (SAMPLE_RUNS / "README.md").read_text()
