"""What `rldk checkpoints --json` prints: described in docs/checkpoints.md."""

from __future__ import annotations

from dataclasses import asdict, fields
from math import nan
from typing import Any

from msgspec.structs import asdict as fields_of

from rldk_tui.checkpoints.analysis import CheckpointAnalysis
from rldk_tui.checkpoints.comparison import Comparison, TensorChange
from rldk_tui.checkpoints.drift import Drift
from rldk_tui.checkpoints.issues import CheckpointIssue
from rldk_tui.checkpoints.statistics import Change, Moments
from rldk_tui.checkpoints.survey import TensorStatistics
from rldk_tui.checkpoints.training_state import TrainingState
from rldk_tui.events import Json, strict
from rldk_tui.summary.checkpoints.beside import RunCheckpoints

CHECKPOINTS_VERSION = 1
"""Raised when a key changes its meaning or goes away; new keys do not raise it."""


def analysis_object(analysis: CheckpointAnalysis) -> dict[str, Json]:
    """One checkpoint with everything measured on it. Strict JSON: NaN and infinities are texts, null is "not measured"."""
    result: dict[str, Json] = strict(
        {
            "schema_version": CHECKPOINTS_VERSION,
            **_facts(analysis),
            "total": asdict(analysis.total),
            "layers": [asdict(layer) for layer in analysis.layers],
            "roles": [asdict(role) for role in analysis.roles],
            "tensors": [{**_tensor(one), "change": _known(analysis.changes.get(one.name, nan))} for one in analysis.tensors],
            "training": _training(analysis.training),
        }
    )
    return result


def _facts(analysis: CheckpointAnalysis) -> dict[str, Any]:
    return {
        "path": str(analysis.path),
        "step": analysis.step,
        "kind": analysis.kind.value,
        "complete": analysis.complete,
        "size": analysis.size,
        "score": analysis.score.value,
        "grade": analysis.score.grade,
        "coverage": analysis.score.coverage,
        "caps": [asdict(cap) for cap in analysis.score.caps],
        "since_previous": _drift(analysis.since_previous),
        "since_first": _drift(analysis.since_first),
        "issues": [_issue(issue) for issue in analysis.issues],
        "figures": {name: {"value": figure.value, "about": list(figure.about)} for name, figure in analysis.figures.items()},
        "problems": [asdict(problem) for problem in analysis.problems],
    }


def comparison_object(comparison: Comparison) -> dict[str, Json]:
    """Two checkpoints against each other."""
    result: dict[str, Json] = strict(
        {
            "schema_version": CHECKPOINTS_VERSION,
            "before": str(comparison.before),
            "after": str(comparison.after),
            "steps": comparison.steps,
            "relative_per_step": comparison.per_step if comparison.steps else None,
            "only_before": list(comparison.only_before),
            "only_after": list(comparison.only_after),
            "reshaped": list(comparison.reshaped),
            "total": asdict(comparison.total),
            "layers": [asdict(layer) for layer in comparison.layers],
            "roles": [asdict(role) for role in comparison.roles],
            "tensors": [_change(one) for one in comparison.tensors],
            "problems": [asdict(problem) for problem in comparison.problems],
        }
    )
    return result


def run_object(run: RunCheckpoints) -> dict[str, Json]:
    """Every checkpoint of a run, and which one to keep."""
    beside = [
        {name: value for name, value in asdict(candidate).items() if name not in {"step", "health"}}
        for candidate in run.candidates
    ]
    result: dict[str, Json] = strict(
        {
            "schema_version": CHECKPOINTS_VERSION,
            "run": run.name,
            "checkpoints": [{**_facts(one), **known} for one, known in zip(run.analyses, beside, strict=True)],
            "final": None if run.final is None else _facts(run.final),
            "keep": None if run.choice is None else {"step": run.choice.step, "reasons": list(run.choice.reasons)},
        }
    )
    return result


def _issue(issue: CheckpointIssue) -> dict[str, Any]:
    return {
        "rule": issue.rule,
        "severity": issue.severity.value,
        "message": issue.message,
        "tensors": list(issue.tensors),
        "advice": [fields_of(advice) for advice in issue.advice],
    }


def _drift(drift: Drift | None) -> dict[str, Any] | None:
    return None if drift is None else {**asdict(drift), "per_step": drift.per_step if drift.steps else None}


def _tensor(one: TensorStatistics) -> dict[str, Any]:
    measured = one.moments
    names = [field.name for field in fields(Moments) if not field.name.endswith("_square_sums")]
    known = {name: getattr(measured, name, None) for name in names}
    return {
        "name": one.name,
        "source": one.source,
        "dtype": one.dtype.value,
        "shape": list(one.shape),
        "role": one.place.role.value,
        "layer": one.place.layer,
        "problem": one.problem,
        **known,
        "count": one.count,
        "norm": None if measured is None else measured.norm,
        "rms": None if measured is None else measured.rms,
        "dead_rows": one.dead_rows,
        "dead_columns": one.dead_columns,
        "largest_singular": _known(one.largest_singular),
        "power_law_alpha": _known(one.power_law_alpha),
    }


def _known(value: float) -> float | None:
    """A measure that is made on demand only: null where it was not."""
    return value if value == value else None


def _change(one: TensorChange) -> dict[str, Any]:
    change = one.change
    names = [*(field.name for field in fields(Change)), "relative", "cosine"]
    known = {name: getattr(change, name, None) for name in names}
    return {
        "name": one.name,
        "shape": list(one.shape),
        "role": one.place.role.value,
        "layer": one.place.layer,
        "problem": one.problem,
        **known,
        "effective_rank": one.effective_rank,
    }


def _training(training: TrainingState) -> dict[str, Any]:
    """What the three files of the training's state say; null for those that are not there."""
    optimizer, scheduler = training.optimizer, training.scheduler
    return {
        "step": training.step,
        "learning_rate": training.learning_rate,
        "trainer": None if training.trainer is None else _without(asdict(training.trainer), "rates"),
        "optimizer": None
        if optimizer is None
        else {
            "step": optimizer.step,
            "parameters": len(optimizer.parameters),
            "groups": [_without(asdict(group), "params") for group in optimizer.groups],
        },
        "scheduler": None if scheduler is None else asdict(scheduler),
    }


def _without(facts: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if key != name}
