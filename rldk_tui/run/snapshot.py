"""What is known about a run at one moment: facts only, all of them frozen. Judgements live in `diagnosis`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rldk_tui.events import (
    Checkpoint,
    Completions,
    ExtractionError,
    Finding,
    ReadProblem,
    RunState,
    System,
)
from rldk_tui.events.entries import Kind
from rldk_tui.metrics import lookup
from rldk_tui.run.columns import Rows
from rldk_tui.run.generations import LoggedGenerations
from rldk_tui.run.info import RunInfo


@dataclass(frozen=True, slots=True)
class Segment:
    """One launch of the run; a resumed or relaunched run has several, and their steps may overlap.

    Attributes:
        key: What tells this launch from the others.
        rows: Everything it logged.
        settled: Rows that can no longer get another value by the ordinary course of the log: all but the newest row of
            the newest segment.
        revision: Changes whenever a row that an earlier snapshot showed as settled was changed after all (a source that tells
            more arrived late).
        version: Changes whenever any row did.
        ended: Why the training loop returned; None if it never said so.
        amended: Changes whenever a row that an earlier snapshot showed got another value, its newest row included.
        nonfinite: Metrics that this launch ever logged as a number that is not finite.
        named: By metric and step, what the measurements of this launch name; later steps may join it.
    """

    key: str
    info: RunInfo
    rows: Rows
    settled: int
    revision: int
    version: int
    ended: str | None
    amended: int = 0
    nonfinite: frozenset[str] = frozenset()
    named: Mapping[str, Mapping[int, tuple[str, ...]]] = field(default_factory=lambda: MappingProxyType({}))

    def first_step(self, name: str) -> int | None:
        """The step at which this launch first logged a metric; None if it never did."""
        column = self.rows.columns.get(name)
        if column is None or not len(self.rows):
            return None
        logged = self.rows.column(name).codes != 0
        first = int(logged.argmax())
        return int(self.rows.steps[first]) if logged[first] else None


@dataclass(frozen=True, slots=True)
class MetricSeries:
    """One metric as a reader of the run should see it: where launches overlap, the later one's rows.

    Attributes:
        name: Canonical name.
        unit: The unit in this run's trainer.
        steps: shape (n,), not falling, only steps at which the metric was logged.
        values: shape (n,), NaN where `kinds` says None or NaN, ±inf where that was logged.
        kinds: shape (n,), `Kind` of each value; never ABSENT.
        times: shape (n,), Unix seconds, NaN where unknown.
    """

    name: str
    unit: str
    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    kinds: NDArray[np.uint8]
    times: NDArray[np.float64]

    def __len__(self) -> int:
        return int(self.steps.size)

    @property
    def latest(self) -> float | None:
        """The newest value; None if nothing could be scored there (or nothing was ever logged)."""
        if not len(self) or self.kinds[-1] == Kind.NULL:
            return None
        return float(self.values[-1])

    @property
    def unusable(self) -> int:
        """How many values were None or not finite."""
        return int(np.count_nonzero(self.kinds != Kind.FINITE))


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """Everything known of a run at `taken_at` (Unix seconds, the only clock below the session).

    Attributes:
        name: What people call the run: its folder's name.
        info: Facts of the newest launch, completed by what other sources tell.
        segments: Launches in order of their start, each with its rows.
        state: What the run is doing.
        step: The last step heard of, logged or not; None before the first.
        last_event_at: Unix seconds of the last event with a clock; None if no source has one.
        step_seconds: The run's own median time a step; None if unknown.
        completions: Of the steps whose texts are in memory (`run/generations.py` says which), by step; the text is what the
            log says, unescaped.
        generations: Every step whose generations are on record, by step; `RunHealth.generations` has their texts.
        system: Newest last, this launch's samples.
        recorded_findings: What a live diagnosis beside the training said at the time; never judged again.
        failure: The exception that left the training loop, as the log tells it; None if none did, or it is not known.
        sources: The files that told each metric, by its canonical name, the most trusted first.
        tailable: Whether a source is there that grows while the run lives.
        recorded: Whether the callback's own log is among the sources.
    """

    name: str
    info: RunInfo
    segments: tuple[Segment, ...]
    state: RunState
    taken_at: float
    step: int | None
    last_event_at: float | None
    step_seconds: float | None
    completions: tuple[Completions, ...]
    checkpoints: tuple[Checkpoint, ...]
    system: tuple[System, ...]
    extraction_errors: tuple[ExtractionError, ...]
    recorded_findings: tuple[Finding, ...]
    problems: tuple[ReadProblem, ...]
    tailable: bool
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    recorded: bool = False
    failure: str | None = None
    generations: tuple[LoggedGenerations, ...] = ()

    def metric_names(self) -> tuple[str, ...]:
        """Every metric logged so far, in the order of first appearance."""
        return tuple(dict.fromkeys(name for segment in self.segments for name in segment.rows.columns))

    def shown_names(self) -> tuple[str, ...]:
        """The metrics that mean something to people."""
        return tuple(name for name in self.metric_names() if not lookup(name).mark)

    def series(self, name: str, first: int | None = None, last: int | None = None) -> MetricSeries:
        """One metric over the run, or over the steps `first` to `last` alone; empty if it was never logged there.

        Costs time in proportion to the rows of these steps. The arrays may be those of the run: nobody writes to them.
        """
        parts = [_visible(self.segments, index, name, first, last) for index in range(len(self.segments))]
        parts = [part for part in parts if part[0].size] or [_NOTHING]
        joined = parts[0] if len(parts) == 1 else [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
        steps, values, kinds, times = joined
        unit = lookup(name).unit_in(self.info.algorithm)
        return MetricSeries(name=name, unit=unit, steps=steps, values=values, kinds=kinds, times=times)


_NOTHING: tuple[NDArray[Any], ...] = (np.empty(0, np.int64), np.empty(0), np.empty(0, np.uint8), np.empty(0))


def _visible(
    segments: tuple[Segment, ...], index: int, name: str, first: int | None, last: int | None
) -> tuple[NDArray[Any], ...]:
    """One segment's cells of a metric, up to the step where a later segment takes over."""
    rows = segments[index].rows
    if name not in rows.columns:
        return _NOTHING
    later = [begin for segment in segments[index + 1 :] if (begin := segment.first_step(name)) is not None]
    low = 0 if first is None else int(np.searchsorted(rows.steps, first))
    high = len(rows) if last is None else int(np.searchsorted(rows.steps, last, side="right"))
    if later:
        high = min(high, int(np.searchsorted(rows.steps, min(later))))
    shown = rows[low : max(low, high)]
    column = shown.column(name)
    if column.codes.all():
        return shown.steps, column.values, column.kinds, shown.times
    present = np.flatnonzero(column.codes)
    return shown.steps[present], column.values[present], column.kinds[present], shown.times[present]
