"""Small runs for tests, made of events and read by the real store."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import EllipsisType

from rldk_tui.diagnosis.catalogue import find_rule, load_rules
from rldk_tui.diagnosis.engine import Engine
from rldk_tui.diagnosis.findings import Diagnosis
from rldk_tui.diagnosis.rule import NamedRule
from rldk_tui.events import (
    Algorithm,
    Event,
    Finding,
    Json,
    Measured,
    Metrics,
    Origin,
    Phase,
    RunDescribed,
    RunEnded,
    RunStarted,
    Severity,
)
from rldk_tui.run import RunSnapshot, RunStore

OURS = Origin(source="rldk/events-rank00000.jsonl", format="RLDK event log", authority=12)
STATE = Origin(source="trainer_state.json", format="trainer state", authority=4)

Value = float | None | EllipsisType
"""A logged value; `...` is a step at which the metric was not logged."""


@dataclass(frozen=True)
class Launch:
    """One launch: what it said of itself, what it logged at each step, and what was measured beside the log."""

    facts: Mapping[str, Json]
    rows: Mapping[int, Mapping[str, float | None]] = field(default_factory=dict)
    measured: tuple[Measured, ...] = ()
    ended: str | None = None

    @property
    def last_step(self) -> int:
        return max(self.rows, default=int(self.facts.get("first_step", 0)))


@dataclass(frozen=True)
class RunBuilder:
    """A run under construction; every step gives a new builder."""

    launches: tuple[Launch, ...]
    clock: bool = True

    def with_metric(self, name: str, values: Iterable[Value], *, first: int | None = None, every: int = 1) -> RunBuilder:
        """Log one metric in the newest launch, from step `first` on, every so many steps."""
        launch = self.launches[-1]
        begin = int(launch.facts.get("first_step", 0)) + every if first is None else first
        rows = {step: dict(row) for step, row in launch.rows.items()}
        for index, value in enumerate(values):
            if value is not ...:
                rows.setdefault(begin + index * every, {})[name] = value
        return self._newest(replace(launch, rows=rows))

    def with_metrics(self, *, every: int = 1, **series: Iterable[Value]) -> RunBuilder:
        """Log several metrics of plain names."""
        run = self
        for name, values in series.items():
            run = run.with_metric(name, values, every=every)
        return run

    def with_measured(
        self, name: str, values: Iterable[Value], *, first: int = 1, every: int = 1, about: tuple[str, ...] = ()
    ) -> RunBuilder:
        """Measure one thing beside the log of the newest launch; `about` names what each value is about."""
        launch = self.launches[-1]
        named = {name: about} if about else {}
        new = (
            Measured(time=math.nan, step=first + index * every, values={name: value}, named=named)
            for index, value in enumerate(values)
            if value is not ...
        )
        return self._newest(replace(launch, measured=(*launch.measured, *new)))

    def relaunched(self, first_step: int, **facts: Json) -> RunBuilder:
        """Start another launch, from this step on."""
        same = {**self.launches[0].facts, **facts, "first_step": first_step}
        return replace(self, launches=(*self.launches, Launch(same)))

    def ended(self, reason: str = "finished") -> RunBuilder:
        """The newest launch says that it returned."""
        return self._newest(replace(self.launches[-1], ended=reason))

    def without_clock(self) -> RunBuilder:
        """As a trainer state alone tells it: no clock, no process."""
        return replace(self, clock=False)

    def _newest(self, launch: Launch) -> RunBuilder:
        return replace(self, launches=(*self.launches[:-1], launch))

    def events(self) -> Iterator[tuple[Event, Origin]]:
        """Everything in the order it was written: a step a second, a launch every million seconds."""
        for number, launch in enumerate(self.launches):
            began = 1e6 * (number + 1)
            if self.clock:
                yield RunStarted(time=began, schema_version=1, run_id="run", host="h", pid=number + 1, **launch.facts), OURS
            else:
                told = {name: launch.facts[name] for name in ("algorithm", "config", "max_steps") if name in launch.facts}
                yield RunDescribed(time=math.nan, **told), STATE
            origin = OURS if self.clock else STATE
            for step in sorted(launch.rows):
                time = began + step if self.clock else math.nan
                yield Metrics(time=time, step=step, phase=Phase.TRAIN, values=dict(launch.rows[step])), origin
            for event in launch.measured:
                yield event, origin
            if launch.ended is not None:
                time = began + launch.last_step if self.clock else math.nan
                yield RunEnded(time=time, step=launch.last_step, reason=launch.ended), origin

    def snapshot(self, *, silent: float = 1.0, alive: bool | None = None) -> RunSnapshot:
        """The run as it stands `silent` seconds after its last event."""
        store = RunStore("run")
        for event, origin in self.events():
            store.add(event, origin)
        return snapshot_of(store, silent=silent, alive=alive)


def a_run(
    algorithm: Algorithm | None = None, *, config: Mapping[str, Json] | None = None, max_steps: int | None = None, **facts: Json
) -> RunBuilder:
    """A run of one launch that has logged nothing yet."""
    return RunBuilder((Launch({"algorithm": algorithm, "config": dict(config or {}), "max_steps": max_steps, **facts}),))


def snapshot_of(store: RunStore, *, silent: float = 1.0, alive: bool | None = None) -> RunSnapshot:
    """What the store knows `silent` seconds after its last event."""
    pulse = store.pulse(process_alive=alive)
    return store.snapshot((pulse.last_event_at or 0.0) + silent, (), pulse)


def rule_named(rule_id: str) -> NamedRule:
    """The rule of this id, among all of them."""
    return find_rule(rule_id, load_rules())


def diagnosis_of(rule_id: str, run: RunBuilder | RunSnapshot) -> Diagnosis:
    """What one rule says of the run; a rule that raises fails the test."""
    snapshot = run.snapshot() if isinstance(run, RunBuilder) else run
    diagnosis = Engine([rule_named(rule_id)]).diagnose(snapshot)
    assert not diagnosis.failures, diagnosis.failures
    return diagnosis


def findings(rule_id: str, run: RunBuilder | RunSnapshot) -> tuple[Finding, ...]:
    """The findings of one rule."""
    return diagnosis_of(rule_id, run).findings


def only(rule_id: str, run: RunBuilder | RunSnapshot) -> Finding:
    """The one finding of a rule."""
    found = findings(rule_id, run)
    assert len(found) == 1, found
    return found[0]


def worst(rule_id: str, run: RunBuilder | RunSnapshot) -> Severity | None:
    """The worst severity of a rule's findings; None if it is silent."""
    found = findings(rule_id, run)
    return found[0].severity if found else None
