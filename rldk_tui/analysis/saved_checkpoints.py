"""A run's checkpoints as its log and its folders tell of them, and which of them to keep.

Nothing here reads weights: what an analysis measured is in the log (`checkpoint/…` columns), so that a checkpoint that was
deleted since still has its line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from rldk_tui.analysis.where_saved import WhereSaved
from rldk_tui.checkpoints.keep import Candidate, Choice, which_to_keep
from rldk_tui.events import Checkpoint, Severity
from rldk_tui.run import Kind, RunSnapshot

_HEALTH, _USABLE, _ISSUES = "checkpoint/health", "checkpoint/usable", "checkpoint/issues"
_SINCE_PREVIOUS, _SINCE_FIRST = "checkpoint/drift_previous", "checkpoint/drift_first"
_STEPS_SINCE = "checkpoint/steps_since"
_NONFINITE = "checkpoint/nonfinite_tensors"
"""What every analysis that could read a weight writes, whatever its version."""
_ISSUE = re.compile(r"(info|warning|high|critical) ([a-z0-9-]{1,60}): ")


class CheckpointState(StrEnum):
    """What can be said of a checkpoint, in the words that faces use."""

    ANALYSED = "analysed"
    NOT_ANALYSED = "not analysed"
    UNFINISHED = "unfinished"
    """Not analysed, and the file that is written last is not there: it is being written, or its writer died."""
    UNREADABLE = "unreadable"
    """Not analysed, and this user may not read all of it."""
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class RecordedIssue:
    """What an analysis found wrong, as the log has it.

    Attributes:
        severity, rule: None where the log's text does not tell.
    """

    severity: Severity | None
    rule: str | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedCheckpoint:
    """One checkpoint of the run; None is "not known".

    Attributes:
        step: At which it was saved.
        path: As the log or the folder names it; None if only its numbers are known.
        size: Bytes.
        state: Whether it is there and was analysed.
        analysed: Whether numbers of an analysis are in the log, whatever became of the files.
        health: 0–1.
        usable: Whether its weights are whole and finite.
        issues: How many there are, of which the first few are `told`.
        told: Worst first.
        since_previous, since_first: ‖ΔW‖/‖W‖ against the checkpoint before and the run's first.
        steps_since: Steps since the checkpoint before.
        beside: What the run logged where it was saved.
    """

    step: int
    path: str | None
    size: int | None
    state: CheckpointState
    analysed: bool
    health: float | None
    usable: bool | None
    issues: int | None
    told: tuple[RecordedIssue, ...]
    since_previous: float | None
    since_first: float | None
    steps_since: int | None
    beside: Candidate

    @property
    def deleted(self) -> bool:
        """Whether its files are gone."""
        return self.state is CheckpointState.DELETED

    @property
    def worst(self) -> Severity | None:
        """The severity of its worst issue; None without any."""
        return next((issue.severity for issue in self.told if issue.severity is not None), None)


@dataclass(frozen=True, slots=True)
class SavedCheckpoints:
    """All checkpoints of a run, those that were deleted since included.

    Attributes:
        rows: By step.
        choice: Which of those that are there and were analysed to keep; None if there is none that can be used.
    """

    rows: tuple[SavedCheckpoint, ...]
    choice: Choice | None

    def to_analyse(self, *, over: bool) -> tuple[SavedCheckpoint, ...]:
        """Those that are there and were not analysed; one that was not written to its end only once the run is over."""
        wanted = {CheckpointState.NOT_ANALYSED} | ({CheckpointState.UNFINISHED} if over else set())
        return tuple(row for row in self.rows if row.state in wanted)


NO_CHECKPOINTS = SavedCheckpoints((), None)


def saved_checkpoints(snapshot: RunSnapshot, deleted: Collection[str] = ()) -> SavedCheckpoints:
    """The checkpoints that the run's log and folders tell of.

    Args:
        snapshot: The run.
        deleted: Paths of checkpoints, as the snapshot names them, that are not there any more.
    """
    found: dict[int, Checkpoint] = {}
    for checkpoint in snapshot.checkpoints:
        known = found.get(checkpoint.step)
        if known is None or known.path in deleted:
            found[checkpoint.step] = checkpoint
    recorded = _Recorded(snapshot)
    steps = sorted(found.keys() | recorded.steps)
    if not steps:
        return NO_CHECKPOINTS
    unreadable = _unreadable(snapshot)
    logged = WhereSaved(snapshot)
    rows = []
    for step in steps:
        row = recorded.row(step, found.get(step), logged)
        rows.append(replace(row, state=_state(row, found.get(step), deleted, unreadable)))
    return SavedCheckpoints(tuple(rows), which_to_keep(_candidates(rows)))


def _candidates(rows: Collection[SavedCheckpoint]) -> Iterator[Candidate]:
    """Those that could be kept: there, and looked at."""
    return (row.beside for row in rows if row.analysed and not row.deleted)


class _Recorded:
    """The columns that analyses wrote, by step."""

    def __init__(self, snapshot: RunSnapshot) -> None:
        names = (_HEALTH, _USABLE, _ISSUES, _SINCE_PREVIOUS, _SINCE_FIRST, _STEPS_SINCE, _NONFINITE)
        self._columns = {name: _by_step(snapshot, name) for name in names}
        self.steps = {step for name in (_HEALTH, _NONFINITE) for step in self._columns[name]}
        self._told: dict[int, tuple[str, ...]] = {}
        for segment in snapshot.segments:
            self._told.update(segment.named.get(_ISSUES, {}))

    def row(self, step: int, checkpoint: Checkpoint | None, logged: WhereSaved) -> SavedCheckpoint:
        health, usable, issues, previous, first, steps, nonfinite = (
            self._value(name, step)
            for name in (_HEALTH, _USABLE, _ISSUES, _SINCE_PREVIOUS, _SINCE_FIRST, _STEPS_SINCE, _NONFINITE)
        )
        can_be_used = usable != 0 if usable is not None else not nonfinite if nonfinite is not None else None
        return SavedCheckpoint(
            step=step,
            path=None if checkpoint is None else checkpoint.path,
            size=None if checkpoint is None else checkpoint.size,
            state=CheckpointState.NOT_ANALYSED,
            analysed=step in self.steps,
            health=health,
            usable=can_be_used,
            issues=None if issues is None else int(issues),
            told=tuple(_issue(text) for text in self._told.get(step, ())) if issues else (),
            since_previous=previous,
            since_first=first,
            steps_since=None if steps is None else int(steps),
            beside=logged.candidate(step, usable=can_be_used is not False, health=health),
        )

    def _value(self, name: str, step: int) -> float | None:
        value = self._columns[name].get(step)
        return value if value is not None and math.isfinite(value) else None


def _by_step(snapshot: RunSnapshot, name: str) -> dict[int, float | None]:
    series = snapshot.series(name)
    return {
        int(step): None if kind == Kind.NULL else float(value)
        for step, value, kind in zip(series.steps, series.values, series.kinds, strict=True)
    }


def _issue(text: str) -> RecordedIssue:
    match = _ISSUE.match(text)
    if match is None:
        return RecordedIssue(None, None, text)
    return RecordedIssue(Severity(match[1]), match[2], text[match.end() :])


def _unreadable(snapshot: RunSnapshot) -> frozenset[str]:
    """Folders that cannot be listed, or hold a file that may not be read."""
    sources = [problem.source for problem in snapshot.problems]
    return frozenset([*sources, *(source.rpartition("/")[0] for source in sources)])


def _state(
    row: SavedCheckpoint, checkpoint: Checkpoint | None, deleted: Collection[str], unreadable: Collection[str]
) -> CheckpointState:
    if checkpoint is None or checkpoint.path in deleted:
        return CheckpointState.DELETED
    if row.analysed:
        return CheckpointState.ANALYSED
    if checkpoint.path in unreadable:
        return CheckpointState.UNREADABLE
    return CheckpointState.UNFINISHED if checkpoint.complete is False else CheckpointState.NOT_ANALYSED
