"""The rules that a bundled real training shows at work, and all of them silent in the healthy ones."""

from __future__ import annotations

from functools import cache

import pytest

from rldk_tui.diagnosis.catalogue import load_rules
from rldk_tui.events import Finding, Severity
from rldk_tui.session import RunSession
from tests.conftest import SAMPLE_RUNS

RULES = tuple(rule.id for rule in load_rules())
SHOWN = (
    "dead-gradient",
    "entropy-collapse",
    "kl-negative",
    "kl-nonzero-at-start",
    "kl-too-high",
    "nan-step-masked",
    "nonfinite-metric",
    "reward-collapse",
    "reward-unscorable",
    "run-died",
    "truncation",
    "zero-variance-groups",
)
"""What the bundled runs were made to show; the other rules speak in their own tests and in the labelled runs."""
HEALTHY = ("grpo-healthy", "grpo-stock")
BROKEN = tuple(sorted({file.parent.name for file in SAMPLE_RUNS.glob("*/expected_findings.toml")} - {*HEALTHY}))


@cache
def findings(run: str) -> tuple[Finding, ...]:
    return RunSession(SAMPLE_RUNS / run, clock=lambda: 2e9).poll().findings


@pytest.mark.parametrize("rule", SHOWN)
def test_it_fires_in_a_real_run(rule: str) -> None:
    assert any(
        finding.rule == rule and finding.severity.rank >= Severity.HIGH.rank for run in BROKEN for finding in findings(run)
    )


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("run", HEALTHY)
def test_it_is_silent_in_a_healthy_run(rule: str, run: str) -> None:
    grave = [finding for finding in findings(run) if finding.severity.rank >= Severity.WARNING.rank]
    assert [finding for finding in grave if finding.rule == rule] == []


@pytest.mark.parametrize("run", BROKEN)
def test_a_broken_run_shows_what_is_wrong_with_it(run: str) -> None:
    assert findings(run)
