"""A comparison and a gate as strict JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rldk_tui.comparison.compare import Comparison, Pair
from rldk_tui.comparison.gate import Gate
from rldk_tui.comparison.judgement import Judgement
from rldk_tui.comparison.prose import told
from rldk_tui.events import Json, strict
from rldk_tui.session import RunHealth

COMPARISON_VERSION = 1
"""Raised when a key changes its meaning or goes away; new keys do not raise it."""


def comparison_object(comparison: Comparison) -> dict[str, Json]:
    """Everything, every key present; null is "not known"."""
    whole: dict[str, Any] = {
        "schema_version": COMPARISON_VERSION,
        "by": comparison.axis.value,
        "runs": [_run(run) for run in comparison.runs],
        "comparisons": [_pair(comparison.first, pair) for pair in comparison.pairs],
    }
    result: dict[str, Json] = strict(whole)
    return result


def gate_object(found: Gate) -> dict[str, Json]:
    """What `rldk check --baseline --json` says beside the check."""
    new = [{"rule": rule.name, "baseline": rule.first, "run": rule.second} for rule in found.new]
    whole = {"run": found.baseline.snapshot.name, "passed": found.passed, "new_findings": new}
    result: dict[str, Json] = strict({**whole, **_pair(found.baseline, found.pair)} | {"run": found.baseline.snapshot.name})
    return result


def _run(run: RunHealth) -> dict[str, Json]:
    return {
        "run": run.snapshot.name,
        "directory": str(run.directory),
        "state": run.snapshot.state.value,
        "algorithm": None if run.snapshot.info.algorithm is None else run.snapshot.info.algorithm.value,
        "step": run.snapshot.step,
        "score": run.score.value,
        "grade": run.score.grade,
    }


def _pair(first: RunHealth, pair: Pair) -> dict[str, Json]:
    return {
        "run": pair.run.snapshot.name,
        "says": list(told(first, pair)),
        "aim": None if pair.aim is None else _judgement(pair.aim),
        "metrics": [_judgement(one) for one in pair.metrics],
        "settings": [asdict(one) for one in pair.settings],
        "findings": [asdict(one) for one in pair.findings],
        "first_difference": None if pair.parted is None else {"step": pair.parted.step, "metrics": list(pair.parted.metrics)},
    }


def _judgement(one: Judgement) -> dict[str, Json]:
    return {**asdict(one), "wanted": one.wanted.value, "outcome": one.outcome.value}
