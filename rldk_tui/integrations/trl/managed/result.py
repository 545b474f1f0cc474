"""What came out of a managed training, as plain values: judged and reported by processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from rldk_tui.events import Finding
from rldk_tui.integrations.trl.metrics_record import RLDKMetrics

_LONGEST = 600.0
"""Seconds the judgement or the report of a run may take: a million rows take half a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult:
    """A training that is over.

    Attributes:
        run_directory: Where everything is.
        steps: Optimizer steps that were made.
        metrics: The newest row; None if nothing was logged.
        state: What the run's log says of its end, as in `rldk check`.
        score, grade: The run's health, 0 to 1, and its letter; None and "not graded" where it cannot be given.
        findings: What is wrong, worst first.
        checkpoints: Folders of checkpoints that are there.
        report: The HTML report; None if none was asked for or it failed.
        problem: Why the judgement or the report is missing; None if nothing is.
    """

    run_directory: Path
    steps: int
    metrics: RLDKMetrics | None
    state: str
    score: float | None
    grade: str
    findings: tuple[Finding, ...]
    checkpoints: tuple[Path, ...]
    report: Path | None
    problem: str | None = None


def judged(run: Path, steps: int, metrics: RLDKMetrics | None, *, report: bool) -> TrainingResult:
    """Judge the run as `rldk check` does, and write the report if it is wanted; both outside this process.

    Never raises for what goes wrong there: `problem` says it.
    """
    verdict, problem = _verdict(run)
    written, failed = _report(run) if report else (None, None)
    return TrainingResult(
        run_directory=run,
        steps=steps,
        metrics=metrics,
        state=str(verdict.get("state", "unknown")),
        score=verdict.get("score"),
        grade=str(verdict.get("grade", "not graded")),
        findings=tuple(msgspec.convert(finding, Finding) for finding in verdict.get("findings", ())),
        checkpoints=tuple(sorted(run.glob("checkpoint-*"), key=lambda folder: (len(folder.name), folder.name))),
        report=written,
        problem=problem or failed,
    )


def _verdict(run: Path) -> tuple[dict[str, Any], str | None]:
    output, problem = _asked("check", str(run), "--json")
    if problem is not None:
        return {}, f"the run could not be judged: {problem}"
    try:
        return json.loads(output), None
    except json.JSONDecodeError:
        return {}, "the run could not be judged: rldk check wrote no JSON"


def _report(run: Path) -> tuple[Path | None, str | None]:
    output, problem = _asked("report", str(run))
    if problem is not None:
        return None, f"the report could not be written: {problem}"
    pages = [Path(line) for line in output.splitlines() if line.endswith(".html")]
    return (pages[0] if pages else None), None


def _asked(*arguments: str) -> tuple[str, str | None]:
    """What `rldk` answers, and what went wrong; exit code 1 is a verdict."""
    command = [sys.executable, "-m", "rldk_tui.cli", *arguments]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST, check=False)
    except (OSError, subprocess.TimeoutExpired) as failure:
        return "", f"{type(failure).__name__}: {failure}"
    if ran.returncode not in (0, 1):
        lines = ran.stderr.strip().splitlines()
        return "", lines[0] if lines else f"exit code {ran.returncode}"
    return ran.stdout, None
