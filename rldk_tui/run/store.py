"""The one mutable object: events in, snapshots out.

Launches are kept apart, because a resumed run logs some steps twice and both are true. Sources that know which process
wrote them (our log, tfevents) open a launch. Documents (trainer_state, a model card) do not know, and are rewritten: their
rows join the launch whose numbers they repeat, whatever was read first, and rows that no launch logged stand by themselves
before all launches.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from rldk_tui.events import (
    Event,
    Heartbeat,
    Measured,
    Metrics,
    Origin,
    ReadProblem,
    RunDescribed,
    RunEnded,
    RunStarted,
    System,
)
from rldk_tui.events.entries import Entries
from rldk_tui.metrics import algorithm_from_keys, framework_from_config, framework_from_keys
from rldk_tui.run.info import RunInfo, info_of
from rldk_tui.run.launch import Launch, machine
from rldk_tui.run.provenance import Provenance
from rldk_tui.run.pulse import Pulse
from rldk_tui.run.snapshot import RunSnapshot, Segment
from rldk_tui.run.things import Things
from rldk_tui.run.unsigned import Unsigned

_AT_ONCE = 10.0
"""Seconds within which two sources that tell of one process's start tell of the same start."""


class RunStore:
    """Gathers the events of one run. Single writer; everything it gives out is frozen."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._launches: list[Launch] = []
        self._current: dict[str, Launch] = {}
        self._other_ranks: set[str] = set()
        self._unsigned = Unsigned(self._launches)
        self._provenance = Provenance()
        self._last_event_at: float | None = None
        self._tailable = self._recorded = False
        self._things = Things()

    def rewrite(self, source: str) -> None:
        """A document is about to be read anew: what it said before no longer counts."""
        self._unsigned.rewrite(source)
        self._provenance.forget(source)

    def add(self, event: Event | Entries, origin: Origin) -> None:
        """Take in one event, or many. Adding the same event again changes nothing that a snapshot shows."""
        match event:
            case Entries():
                self._add_many(event, origin)
            case Metrics():
                self._add_metrics(event, origin)
            case RunStarted():
                self._start(event, origin)
            case RunDescribed():
                self._describe(event, origin)
            case Heartbeat():
                self._beat(event, origin)
            case RunEnded():
                self._end(event, origin)
            case Measured():
                self._measure(event, origin)
            case System():
                self._sample_machine(event, origin)
            case _:
                self._things.add(event, origin)
                self._clock(event.time)

    def _start(self, event: RunStarted, origin: Origin) -> None:
        if event.host is None and math.isnan(event.time):
            self._unsigned.begin(origin)
            return
        self._tailable = True
        self._recorded |= origin.authority >= _TELLS_ITS_END
        self._clock(event.time)
        if event.rank != 0:
            self._other_ranks.add(origin.source)
            return
        process = f"{event.host}:{event.pid}"
        known = [launch for launch in self._launches if launch.process == process]
        launch = next((one for one in reversed(known) if self._same_start(one, event, origin)), None)
        info = info_of(event)
        if launch is None:
            launch = self._launched(process, event.time, len(known))
        more_trusted = origin.authority > launch.authority
        launch.info = info.completed_by(launch.info) if more_trusted else launch.info.completed_by(info)
        launch.authority = max(launch.authority, origin.authority)
        self._current[origin.source] = launch

    def _same_start(self, launch: Launch, event: RunStarted, origin: Origin) -> bool:
        """Whether an event tells of a launch that is known already.

        Two sources of a process tell of its start within seconds. A source that cannot tell a training from a second
        writer (it carries no config) belongs to the launch it was opened in; `logged_again` notices a second training.
        """
        close = abs(event.time - launch.started_at) <= _AT_ONCE
        if any(current is launch and source == origin.source for source, current in self._current.items()):
            return False  # the same log was headed again: another training
        return close or (not event.config and event.time > launch.started_at)

    def _launched(self, process: str, time: float, count: int) -> Launch:
        launch = Launch(key=process if count == 0 else f"{process}#{count}", process=process, started_at=time)
        self._launches.append(launch)
        self._launches.sort(key=lambda known: known.started_at)
        self._unsigned.due = True
        return launch

    def _describe(self, event: RunDescribed, origin: Origin) -> None:
        launch = self._current.get(origin.source)
        if launch is not None:
            launch.info = launch.info.completed_by(info_of(event))
            return
        self._unsigned.describe(event, origin)

    def _add_metrics(self, event: Metrics, origin: Origin) -> None:
        self._provenance.note(origin, event.phase, event.values)
        launch = self._current.get(origin.source)
        if (
            launch is None and math.isfinite(event.time) and not self._unsigned.knows(origin.source)
        ):  # a log whose beginning is lost
            launch = self._current[origin.source] = self._launched(origin.source, event.time, 0)
        if launch is None:
            self._unsigned.add(event, origin)
            self._clock(event.time)
            return
        if origin.authority >= launch.authority and launch.logged_again(event, origin.source):
            count = Counter(known.process for known in self._launches)[launch.process]
            launch = self._launched(launch.process, event.time, count)
            launch.writer = origin.source
            self._current[origin.source] = launch
        launch.put(event, origin.authority)
        self._unsigned.noticed(launch, event)
        self._heard(launch, event.step, event.time)

    def _add_many(self, entries: Entries, origin: Origin) -> None:
        """As columns where nobody else may have a claim on the rows, one by one where somebody may."""
        if not self._took_many(entries, origin):
            for event in entries.events():
                self.add(event, origin)
            return
        self._provenance.note(origin, entries.phase, entries.columns)
        times = entries.times[np.isfinite(entries.times)]
        if times.size:
            self._clock(float(times.max()))

    def _took_many(self, entries: Entries, origin: Origin) -> bool:
        launch = self._current.get(origin.source)
        if launch is None:
            return (
                entries.phase is not None and self._unsigned.knows(origin.source) and self._unsigned.add_many(entries, origin)
            )
        if self._unsigned.contested() or not launch.takes_many(entries, origin.source, origin.authority):
            return False
        launch.put_many(entries, origin.source, origin.authority)
        return True

    def _beat(self, event: Heartbeat, origin: Origin) -> None:
        launch = self._current.get(origin.source)
        if launch is None:
            self._clock(event.time)
        else:
            launch.reached(event.step)
            self._heard(launch, event.step, event.time)

    def _measure(self, event: Measured, origin: Origin) -> None:
        self._provenance.note(origin, None, event.values)
        launch = self._current.get(origin.source)
        if launch is None:
            # of another rank the callback writes what the first does not see: its alarm is not undone by the first's zero
            self._unsigned.measure(event, origin.source, origin.authority + (origin.source in self._other_ranks))
        else:
            launch.measure(event, origin.authority)
        self._clock(event.time)

    def _sample_machine(self, event: System, origin: Origin) -> None:
        self._things.add(event, origin)
        self._clock(event.time)
        launch = self._current.get(origin.source)
        if event.rank != 0 or not event.step:
            return
        if launch is None:
            self._measure(Measured(time=event.time, step=event.step, values=machine(event)), origin)
        else:
            launch.unsigned.discard(event.step)
            launch.table.put(event.step, event.time, machine(event), origin.authority)

    def _end(self, event: RunEnded, origin: Origin) -> None:
        launch = self._current.get(origin.source)
        if launch is not None:
            (launch.fail if event.failed else launch.end)(event.reason, event.step)
            self._clock(event.time)
        elif origin.source not in self._other_ranks:
            self._unsigned.end(event, origin)

    def release(self) -> None:
        """Hand back the memory of what was read lately of a long run; nothing is lost."""
        for launch in self._launches:
            launch.table.release()
        self._unsigned.release()

    def _heard(self, launch: Launch, step: int, time: float) -> None:
        if math.isfinite(time):
            self._clock(time)
            launch.pace.step(step, time)

    def _clock(self, time: float) -> None:
        if math.isfinite(time):
            self._last_event_at = time if self._last_event_at is None else max(self._last_event_at, time)

    def _all(self) -> list[Launch]:
        """Every launch in order, those that nobody signed first."""
        return [*self._unsigned.launches(), *self._launches]

    def info(self) -> RunInfo:
        """The facts of the newest launch, completed by what the other sources tell."""
        self._unsigned.join()
        launches = self._all()
        return self._info_of(launches[-1] if launches else None)

    def _info_of(self, launch: Launch | None) -> RunInfo:
        info = self._unsigned.completed(RunInfo() if launch is None else launch.info, launch)
        if info.algorithm is None:
            info = replace(info, algorithm=algorithm_from_keys(self._provenance.keys()))
        if info.trainer is None:
            framework = framework_from_keys(self._provenance.keys()) or framework_from_config(info.config)
            info = replace(info, trainer=framework)
        return info

    def pulse(self, *, process_alive: bool | None) -> Pulse:
        """What the events say of the run's life."""
        info = self.info()
        launches = self._all()
        newest = launches[-1] if launches else None
        return Pulse(
            last_event_at=self._last_event_at,
            step_seconds=newest.pace.step_seconds() if newest else None,
            sign_seconds=newest.pace.sign_seconds() if newest else None,
            ended=newest is not None and newest.over is not None,
            failed=newest is not None and newest.broken is not None,
            ended_later=newest is not None and newest.ended_later,
            tells_its_end=newest is not None and newest.authority >= _TELLS_ITS_END,
            process_alive=process_alive,
            step=newest.step if newest else None,
            max_steps=info.max_steps,
        )

    def snapshot(self, taken_at: float, problems: tuple[ReadProblem, ...], pulse: Pulse) -> RunSnapshot:
        """Everything known now, frozen.

        Args:
            taken_at: Unix seconds.
            problems: What could not be read, from whoever reads.
            pulse: From `pulse()`, with what the caller knows of the process.
        """
        info = self.info()
        launches = self._all()
        segments = tuple(
            self._segment(launch, newest=launch is launches[-1])
            for launch in launches
            if launch.table.length or launch is launches[-1]
        )
        return RunSnapshot(
            name=self._name,
            info=info,
            segments=segments,
            state=pulse.state(taken_at),
            taken_at=taken_at,
            step=pulse.step,
            last_event_at=self._last_event_at,
            step_seconds=pulse.step_seconds,
            completions=self._things.completions(),
            generations=self._things.generations(),
            checkpoints=self._things.checkpoints(),
            system=self._things.system(),
            failure=launches[-1].broken if launches else None,
            extraction_errors=self._things.extraction_errors(),
            recorded_findings=self._things.recorded_findings(),
            problems=tuple(problem for problem in problems if not self._settled(problem)),
            sources=self._provenance.sources(),
            tailable=self._tailable or self._unsigned.tailable,
            recorded=self._recorded,
        )

    def _settled(self, problem: ReadProblem) -> bool:
        """Whether a doubt about steps is none, because better sources tell them."""
        return problem.steps_untold and self._unsigned.vouched_for(problem.source)

    def _segment(self, launch: Launch, *, newest: bool) -> Segment:
        settled = max(0, launch.table.length - newest)
        return Segment(
            key=launch.key,
            info=self._info_of(launch),
            rows=launch.table.shown(settled),
            settled=settled,
            revision=launch.table.revision,
            version=launch.table.version,
            ended=launch.over,
            amended=launch.table.amended,
            nonfinite=frozenset(launch.table.nonfinite),
            named=MappingProxyType(launch.named),
        )


_TELLS_ITS_END = 12
"""Authority of our own event log, the one source in which a missing end means that there was none."""
