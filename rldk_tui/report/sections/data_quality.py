"""How far the data behind the page can be trusted: what could not be read, was not logged, or was no number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rldk_tui.events import ExtractionKind
from rldk_tui.metrics import CATALOGUE, title
from rldk_tui.report.sections import Section
from rldk_tui.run import Kind, RunSnapshot
from rldk_tui.run.extraction import troubles
from rldk_tui.session import RunHealth

_TOLD_ELSEWHERE = "checkpoint/"
_MOST_ROWS = 100
"""Rows of a table; how many more there are is said."""
_WORDS = {
    ExtractionKind.FAILED: "not measured",
    ExtractionKind.VALUE: "no usable value",
    ExtractionKind.MISSING: "missing",
    ExtractionKind.UNAVAILABLE: "not available",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that could not be read, measured or judged; `count` times."""

    what: str
    where: str
    message: str
    count: int


@dataclass(frozen=True, slots=True)
class Unlogged:
    """A metric this trainer usually logs that is not there, and how to get it."""

    name: str
    title: str
    how: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """A metric some of whose values were no finite numbers."""

    name: str
    title: str
    not_finite: int
    none: int
    logs: int


@dataclass(frozen=True, slots=True)
class Launch:
    """One launch of the run."""

    started_at: float | None
    host: str | None
    pid: int | None
    first_step: int | None
    last_step: int | None
    logs: int
    ended: str | None


@dataclass(frozen=True, slots=True)
class DataQuality:
    """Each list is empty when there is nothing to say.

    Attributes:
        troubles: Read problems, errors of extraction, failed rules.
        more: Troubles beyond those shown.
    """

    troubles: tuple[Trouble, ...]
    more: int
    unlogged: tuple[Unlogged, ...]
    unusable: tuple[Unusable, ...]
    launches: tuple[Launch, ...]


def build(health: RunHealth) -> DataQuality:
    """Always there."""
    troubles = list(_troubles(health))
    return DataQuality(
        troubles=tuple(troubles[:_MOST_ROWS]),
        more=max(0, len(troubles) - _MOST_ROWS),
        unlogged=tuple(_unlogged(health.snapshot)),
        unusable=tuple(_unusable(health.snapshot)),
        launches=tuple(_launches(health.snapshot)),
    )


def _troubles(health: RunHealth) -> Iterator[Trouble]:
    for failure in health.rule_failures:
        where = failure.rule if failure.scope is None else f"{failure.rule} on {failure.scope}"
        yield Trouble("rule failed", where, failure.message, 1)
    for problem in health.snapshot.problems:
        where = problem.source if problem.line is None else f"{problem.source}, line {problem.line}"
        yield Trouble("not read", where, problem.message, problem.count)
    for error in troubles(health.snapshot.extraction_errors):
        steps = "" if error.first is None else f", steps {error.first}–{error.last}"
        yield Trouble(_WORDS[error.kind], f"{error.metric or 'callback'}{steps}", error.message, error.count)


def _unlogged(snapshot: RunSnapshot) -> Iterator[Unlogged]:
    algorithm, logged = snapshot.info.algorithm, set(snapshot.metric_names())
    if algorithm is None or not logged:
        return
    for metric in CATALOGUE:
        if algorithm in metric.expected_in and metric.name not in logged:
            yield Unlogged(metric.name, metric.title, metric.to_log)


def _unusable(snapshot: RunSnapshot) -> Iterator[Unusable]:
    for name in snapshot.metric_names():
        series = snapshot.series(name)
        if series.unusable and not name.startswith(_TOLD_ELSEWHERE):
            none = int(np.count_nonzero(series.kinds == Kind.NULL))
            yield Unusable(name, title(name), series.unusable - none, none, len(series))


def _launches(snapshot: RunSnapshot) -> Iterator[Launch]:
    for segment in snapshot.segments:
        steps = segment.rows.steps
        yield Launch(
            started_at=segment.info.started_at,
            host=segment.info.host,
            pid=segment.info.pid,
            first_step=int(steps[0]) if steps.size else None,
            last_step=int(steps[-1]) if steps.size else None,
            logs=int(steps.size),
            ended=segment.ended,
        )


SECTION = Section(title="Data quality", order=60, build=build, template="data_quality")
