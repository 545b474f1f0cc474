"""The run's checkpoints: their health, what is wrong with each, how far the weights went, and which one to keep."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from rldk_tui.analysis.saved_checkpoints import CheckpointState, SavedCheckpoint
from rldk_tui.charts.format import count, quantity
from rldk_tui.charts.line_chart import LineChart
from rldk_tui.events import Severity
from rldk_tui.report.figures import step_axis
from rldk_tui.report.sections import Section
from rldk_tui.session import RunHealth

_MOST_ROWS = 100
"""Rows of the table: the newest. How many more there are is said."""
_MOST_ISSUES = 50
_LONGEST = 600
_FEWEST_POINTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One checkpoint; None is "not known".

    Attributes:
        size: Bytes.
        health: 0–1.
        issues: How many; `worst` is the severity of the worst, `rules` what those of it are called.
        since_previous, since_first: ‖ΔW‖/‖W‖.
        reward, kl, evaluation: What the run logged where it was saved.
        keep: Whether this is the one to keep.
    """

    step: int
    size: int | None
    state: CheckpointState
    analysed: bool
    health: float | None
    issues: int | None
    worst: Severity | None
    rules: tuple[str, ...]
    since_previous: float | None
    since_first: float | None
    reward: float | None
    kl: float | None
    evaluation: float | None
    keep: bool


@dataclass(frozen=True, slots=True)
class Issue:
    """What is wrong with a checkpoint, and the steps of later ones of which the same is said."""

    step: int
    severity: Severity
    rule: str
    message: str
    also: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Curve:
    """A chart over the checkpoints, with its title and its latest value."""

    title: str
    unit: str
    latest: float
    chart: LineChart


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """All checkpoints of the run.

    Attributes:
        keep: The step of the one to keep; None if there is none that can be used, or none was analysed.
        reasons: Why that one.
        analysed, waiting, deleted: How many were analysed, are there and were not, are gone.
        curves: Drift and health over the steps; empty with fewer than two checkpoints.
        rows: The newest, by step; `more` were left out.
        issues: Of all checkpoints that are above a remark, worst first; `more_issues` were left out.
    """

    keep: int | None
    reasons: tuple[str, ...]
    analysed: int
    waiting: int
    deleted: int
    curves: tuple[Curve, ...]
    rows: tuple[Row, ...]
    more: int
    issues: tuple[Issue, ...]
    more_issues: int


def build(health: RunHealth) -> Checkpoints | None:
    """None for a run without checkpoints."""
    saved = health.checkpoints()
    if not saved.rows:
        return None
    keep = None if saved.choice is None else saved.choice.step
    issues = _merged(issue for row in saved.rows for issue in _issues(row))
    issues.sort(key=lambda issue: (-issue.severity.rank, issue.step))
    return Checkpoints(
        keep=keep,
        reasons=() if saved.choice is None else saved.choice.reasons,
        analysed=sum(row.analysed for row in saved.rows),
        waiting=sum(not row.analysed and not row.deleted for row in saved.rows),
        deleted=sum(row.deleted for row in saved.rows),
        curves=tuple(_curves(saved.rows, health)),
        rows=tuple(_row(row, keep=row.step == keep) for row in saved.rows[-_MOST_ROWS:]),
        more=max(0, len(saved.rows) - _MOST_ROWS),
        issues=tuple(issues[:_MOST_ISSUES]),
        more_issues=max(0, len(issues) - _MOST_ISSUES),
    )


def _row(row: SavedCheckpoint, *, keep: bool) -> Row:
    rules = dict.fromkeys(issue.rule for issue in row.told if issue.severity is row.worst and issue.rule is not None)
    return Row(
        step=row.step,
        size=row.size,
        state=row.state,
        analysed=row.analysed,
        health=row.health,
        issues=row.issues,
        worst=row.worst,
        rules=tuple(rules),
        since_previous=row.since_previous,
        since_first=row.since_first,
        reward=row.beside.reward,
        kl=row.beside.kl,
        evaluation=row.beside.evaluation,
        keep=keep,
    )


def _merged(issues: Iterable[Issue]) -> list[Issue]:
    """What is said of several checkpoints, once; a message begins with the name of its own."""
    alike: dict[tuple[str, Severity, str], list[Issue]] = {}
    for issue in issues:
        said = issue.message.partition(": ")[2] or issue.message
        alike.setdefault((issue.rule, issue.severity, said), []).append(issue)
    return [replace(first, also=tuple(other.step for other in others)) for first, *others in alike.values()]


def _issues(row: SavedCheckpoint) -> list[Issue]:
    """Those that cost health: a remark is in the table."""
    return [
        Issue(row.step, issue.severity, issue.rule, issue.message[:_LONGEST])
        for issue in row.told
        if issue.severity is not None and issue.rule is not None and issue.severity is not Severity.INFO
    ]


def _curves(rows: tuple[SavedCheckpoint, ...], health: RunHealth) -> list[Curve]:
    def in_percent(value: float | None) -> float | None:
        return None if value is None else 100.0 * value

    found = [
        _curve("Drift from the first checkpoint", "%", rows, lambda row: in_percent(row.since_first), health),
        _curve("Drift from the one before", "%", rows, lambda row: in_percent(row.since_previous), health),
        _curve("Health of the checkpoint", "", rows, lambda row: row.health, health),
    ]
    return [curve for curve in found if curve is not None]


def _curve(
    title: str,
    unit: str,
    rows: tuple[SavedCheckpoint, ...],
    value: Callable[[SavedCheckpoint], float | None],
    health: RunHealth,
) -> Curve | None:
    points = [(row.step, known) for row in rows if (known := value(row)) is not None]
    if len(points) < _FEWEST_POINTS:
        return None
    first, last = step_axis(health.snapshot)
    steps, values = zip(*points, strict=True)
    return Curve(
        title=title,
        unit=unit,
        latest=values[-1],
        chart=LineChart(
            label=f"{title}, steps {count(steps[0])} to {count(steps[-1])}, latest {quantity(values[-1], unit)}",
            unit=unit,
            steps=steps,
            values=values,
            first=min(first, steps[0]),
            last=max(last, steps[-1]),
        ),
    )


SECTION = Section(title="Checkpoints", order=35, build=build, template="checkpoints")
