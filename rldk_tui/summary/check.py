"""The check object: a stable answer for other tools. Built here and nowhere else."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import Any

from msgspec.structs import asdict as fields_of

from rldk_tui.events import Finding, Json, ReadProblem, strict
from rldk_tui.run.extraction import troubles
from rldk_tui.session import RunHealth

_EXPLAINED = 100
"""Findings whose effect on the score is worked out; the rest of very many is null."""
CHECK_VERSION = 1
"""Raised when a key changes its meaning or goes away; new keys do not raise it."""
_NUMBERS = re.compile(r'\[\n\s+((?:(?:[-+.\deE]+|null|"-?(?:nan|inf)"),?\s+)+)\]')
"""A list of numbers as `json` indents it. No string can match: in JSON a string has no line break."""


def check_object(health: RunHealth) -> dict[str, Json]:
    """What is judged of a run, every key present whatever is known, findings story by story, the worst first.

    Strict JSON: a number that is not finite is the text "nan", "inf" or "-inf", and null is "not measured".
    """
    answer: dict[str, Json] = {
        "schema_version": CHECK_VERSION,
        "run": health.snapshot.name,
        "state": health.snapshot.state.value,
        "score": health.score.value,
        "grade": health.score.grade,
        "coverage": health.score.coverage,
        "findings": [
            {**finding_object(finding), "score_effect": health.score.effect(finding.id) if index < _EXPLAINED else None}
            for index, finding in enumerate(health.findings)
        ],
        "not_evaluated": [asdict(silent) for silent in health.not_evaluated],
        "rule_failures": [asdict(failure) for failure in health.rule_failures],
        "read_problems": [_read_problem(problem) for problem in health.snapshot.problems],
        "extraction_errors": [
            {**asdict(trouble), "kind": trouble.kind.value} for trouble in troubles(health.snapshot.extraction_errors)
        ],
    }
    result: dict[str, Json] = strict(answer)
    return result


def _read_problem(problem: ReadProblem) -> dict[str, Json]:
    return {"source": problem.source, "message": problem.message, "line": problem.line, "count": problem.count}


def finding_object(finding: Finding) -> dict[str, Json]:
    """One finding with all of its keys, strict JSON."""
    whole: dict[str, Any] = fields_of(finding)
    whole["severity"] = finding.severity.value
    whole["evidence"] = fields_of(finding.evidence)
    whole["advice"] = [fields_of(advice) for advice in finding.advice]
    result: dict[str, Json] = strict(whole)
    return result


def latest_metrics(health: RunHealth) -> dict[str, Json]:
    """Each logged metric's newest value with its unit and step; null where the trainer logged None. Strict JSON."""
    answer: dict[str, Json] = {}
    for name in health.snapshot.shown_names():
        series = health.snapshot.series(name)
        if len(series):
            answer[name] = {"value": series.latest, "unit": series.unit, "step": int(series.steps[-1])}
    result: dict[str, Json] = strict(answer)
    return result


def once_object(health: RunHealth) -> dict[str, Json]:
    """The check object and the latest value of every metric."""
    return {**check_object(health), "metrics": latest_metrics(health)}


def to_json(value: Json) -> str:
    """Strict JSON for people and parsers: indented, numbers of a list on one line.

    A surrogate without its partner (a broken file name) becomes a question mark.
    """
    text = json.dumps(strict(value), indent=2, ensure_ascii=False, allow_nan=False)
    text = _NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text)
    return text.encode("utf-8", "replace").decode("utf-8")
