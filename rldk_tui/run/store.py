"""The one mutable object: events in, snapshots out.

Launches are kept apart, because a resumed run logs some steps twice and both are true. Sources that know which process
wrote them (our log, tfevents) open a launch. Documents (trainer_state, a model card) do not know, and are rewritten: their
rows join the launch whose numbers they repeat, whatever was read first, and rows that no launch logged stand by themselves
before all launches.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType

import msgspec
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
from rldk_tui.metrics import algorithm_from_keys
from rldk_tui.run.info import RunInfo, info_of
from rldk_tui.run.launch import Document, Launch, launch_of_step, machine
from rldk_tui.run.pulse import Pulse
from rldk_tui.run.snapshot import RunSnapshot, Segment
from rldk_tui.run.things import Things

_AT_ONCE = 10.0
"""Seconds within which two sources that tell of one process's start tell of the same start."""


@dataclass(frozen=True, slots=True)
class _Placed:
    """Beside whose log something stands that no process signed."""

    launch: Launch
    event: Metrics | Measured
    authority: int


def _with_earlier(before: tuple[Measured, int] | None, event: Measured) -> Measured:
    """All that a source measured at one step: it may tell of it in several events."""
    if before is None:
        return event
    earlier = before[0]
    return msgspec.structs.replace(event, values={**earlier.values, **event.values}, named={**earlier.named, **event.named})


class RunStore:
    """Gathers the events of one run. Single writer; everything it gives out is frozen."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._launches: list[Launch] = []
        self._current: dict[str, Launch] = {}
        self._other_ranks: set[str] = set()
        self._documents: dict[str, Document] = {}
        self._measured: dict[tuple[str, int], tuple[Measured, int]] = {}
        self._placed: dict[int, dict[tuple[str, str], _Placed]] = {}
        self._unclaimed: Launch | None = None
        self._unclaimed_built = 0
        self._joining_due = False
        self._keys: set[str] = set()
        self._last_event_at: float | None = None
        self._tailable = False
        self._things = Things()

    def rewrite(self, source: str) -> None:
        """A document is about to be read anew: what it said before no longer counts."""
        if self._documents.pop(source, None) is not None:
            self._joining_due = True

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
        self._tailable = True
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
        for earlier in self._launches[:-1]:
            earlier.table.closed = True
        self._joining_due = True
        return launch

    def _describe(self, event: RunDescribed, origin: Origin) -> None:
        launch = self._current.get(origin.source)
        if launch is not None:
            launch.info = launch.info.completed_by(info_of(event))
            return
        document = self._document(origin)
        document.info = info_of(event).completed_by(document.info)
        self._joining_due = True

    def _add_metrics(self, event: Metrics, origin: Origin) -> None:
        self._keys.update(event.values)
        launch = self._current.get(origin.source)
        if launch is None and math.isfinite(event.time):  # a log whose beginning is lost
            launch = self._current[origin.source] = self._launched(origin.source, event.time, 0)
        if launch is None:
            self._document(origin).rows[event.step, event.phase] = event
            self._joining_due = True
            return
        if origin.authority >= launch.authority and launch.logged_again(event, origin.source):
            count = Counter(known.process for known in self._launches)[launch.process]
            launch = self._launched(launch.process, event.time, count)
            launch.writer = origin.source
            self._current[origin.source] = launch
        launch.put(event, origin.authority)
        unclaimed = self._unclaimed
        if unclaimed is not None and unclaimed.table.has_step(event.step) and unclaimed.agrees(event) is not False:
            self._joining_due = True  # a document's row that nobody had logged is this one
        elif any(place.launch is not launch for place in self._placed.get(event.step, {}).values() if place.launch.key):
            self._joining_due = True  # what was put beside another launch's log may be of this one
        self._heard(launch, event.step, event.time)

    def _add_many(self, entries: Entries, origin: Origin) -> None:
        """As columns where nobody else may have a claim on the rows, one by one where somebody may."""
        launch = self._current.get(origin.source)
        contested = self._unclaimed is not None or bool(self._placed)
        if launch is None or contested or not launch.takes_many(entries, origin.source, origin.authority):
            for event in entries.events():
                self.add(event, origin)
            return
        if entries.phase is not None:
            self._keys.update(entries.columns)
        launch.put_many(entries, origin.source, origin.authority)
        times = entries.times[np.isfinite(entries.times)]
        if times.size:
            self._clock(float(times.max()))

    def _document(self, origin: Origin) -> Document:
        return self._documents.setdefault(origin.source, Document(origin.authority))

    def _beat(self, event: Heartbeat, origin: Origin) -> None:
        launch = self._current.get(origin.source)
        if launch is None:
            self._clock(event.time)
        else:
            launch.reached(event.step)
            self._heard(launch, event.step, event.time)

    def _measure(self, event: Measured, origin: Origin) -> None:
        """Put a measurement beside the log entry of its step; a file that no process signed belongs to who got there."""
        launch = self._current.get(origin.source)
        if launch is None:
            event = _with_earlier(self._measured.get((origin.source, event.step)), event)
            # of another rank the callback writes what the first does not see: its alarm is not undone by the first's zero
            authority = origin.authority + (origin.source in self._other_ranks)
            self._measured[origin.source, event.step] = event, authority
            home, key = self._who_reached(event.step), (origin.source, "")
            before = self._placed.get(event.step, {}).get(key)
            if home is None or (before is not None and before.launch is not home):
                self._joining_due = True
            else:
                home.stand_beside(event, authority)
                self._placed.setdefault(event.step, {})[key] = _Placed(home, event, authority)
        else:
            launch.measure(event, origin.authority)
        self._clock(event.time)

    def _who_reached(self, step: int) -> Launch | None:
        """The newest launch that logged this step, else the newest that can have."""
        newest_first = self._launches[::-1]
        logged = next((launch for launch in newest_first if launch.logged(step)), None)
        return logged or next((launch for launch in newest_first if launch.info.first_step < step), None)

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
            self._document(origin).ended_at = event.step
            self._joining_due = True

    def release(self) -> None:
        """Hand back the memory of what was read lately of a long run; nothing is lost."""
        for launch in self._launches:
            launch.table.release()

    def _heard(self, launch: Launch, step: int, time: float) -> None:
        if math.isfinite(time):
            self._clock(time)
            launch.pace.step(step, time)

    def _clock(self, time: float) -> None:
        if math.isfinite(time):
            self._last_event_at = time if self._last_event_at is None else max(self._last_event_at, time)

    def _join(self) -> None:
        """Find the launch of every document's row anew."""
        if not self._joining_due:
            return
        self._joining_due = False
        self._unclaimed_built += 1
        unclaimed = Launch(key="", process="", started_at=-math.inf)
        unclaimed.table.revision = self._unclaimed_built
        placed: dict[int, dict[tuple[str, str], _Placed]] = {}
        for key, place in self._places(unclaimed):
            placed.setdefault(place.event.step, {})[key] = place
        for step, places in self._placed.items():
            for key, before in places.items():
                now = placed.get(step, {}).get(key)
                if now is None or now.launch is not before.launch:
                    before.launch.withdraw(before.event, before.authority)
        for _, places in sorted(placed.items()):
            for place in places.values():
                if place.launch is unclaimed and isinstance(place.event, Metrics):
                    unclaimed.put(place.event, place.authority)
                else:
                    place.launch.stand_beside(place.event, place.authority)
        self._placed = placed
        self._unclaimed = unclaimed if unclaimed.table.length else None
        for document in self._documents.values():
            self._end_by(document)

    def _places(self, unclaimed: Launch) -> Iterator[tuple[tuple[str, str], _Placed]]:
        """Whose is what no process signed: the rows of documents, the least trusted first, and measurements."""
        for source, document in sorted(self._documents.items(), key=lambda known: known[1].authority):
            document.home = None
            for (step, phase), event in sorted(document.rows.items()):
                home = launch_of_step(self._launches, event)
                before: Launch | None = document.home
                if home is None and before is not None and before is not unclaimed and step > (before.step or 0):
                    home = before  # the document is ahead of what the launch's own log shows
                document.home = home or unclaimed
                yield (source, phase), _Placed(document.home, event, document.authority)
        for (source, step), (measured, authority) in self._measured.items():
            yield (source, ""), _Placed(self._who_reached(step) or unclaimed, measured, authority)

    def _end_by(self, document: Document) -> None:
        """A final state is the end of the launch its rows are of; without rows, of the newest if that got just as far."""
        home = document.home or next((one for one in self._launches[-1:] if one.step == document.ended_at), None)
        if home is None or document.ended_at is None:
            return
        if home is self._unclaimed or document.ended_at == home.step:
            home.end("finished", document.ended_at)
        home.ended_later = document.ended_at > (home.step or 0)

    def _all(self) -> list[Launch]:
        """Every launch in order, rows that none claims first."""
        return self._launches if self._unclaimed is None else [self._unclaimed, *self._launches]

    def info(self) -> RunInfo:
        """The facts of the newest launch, completed by what the other sources tell."""
        self._join()
        launches = self._all()
        return self._info_of(launches[-1] if launches else None)

    def _info_of(self, launch: Launch | None) -> RunInfo:
        info = RunInfo() if launch is None else launch.info
        for document in sorted(self._documents.values(), key=lambda known: (-known.authority, -known.last_step)):
            if document.home is None or document.home is launch:
                info = info.completed_by(document.info)
        if info.algorithm is None:
            info = replace(info, algorithm=algorithm_from_keys(frozenset(self._keys)))
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
            Segment(
                key=launch.key,
                info=self._info_of(launch),
                rows=launch.table.rows(),
                settled=launch.table.length - (launch is launches[-1] and launch.table.length > 0),
                revision=launch.table.revision,
                version=launch.table.version,
                ended=launch.over,
                amended=launch.table.amended,
                nonfinite=frozenset(launch.table.nonfinite),
                named=MappingProxyType(launch.named),
            )
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
            problems=problems,
            tailable=self._tailable,
        )


_TELLS_ITS_END = 12
"""Authority of our own event log, the one source in which a missing end means that there was none."""
