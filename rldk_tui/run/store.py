"""The one mutable object: events in, snapshots out.

Launches are kept apart (`_Launch`), because a resumed run logs some steps twice and both are true. Sources that know
which process wrote them (our log, tfevents) open a launch; the others (trainer_state, a model card) join the launch
that was running at their step.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace

from rldk_tui.events import (
    Event,
    Heartbeat,
    Metrics,
    Origin,
    Phase,
    ReadProblem,
    RunDescribed,
    RunEnded,
    RunStarted,
)
from rldk_tui.metrics import algorithm_from_keys, canonical
from rldk_tui.run.columns import Table
from rldk_tui.run.info import RunInfo, info_of
from rldk_tui.run.pulse import Pace, Pulse
from rldk_tui.run.snapshot import RunSnapshot, Segment
from rldk_tui.run.things import Things

_JOINED = ""
"""The launch of rows that no launch claims."""


@dataclass(slots=True)
class _Launch:
    key: str
    started_at: float
    info: RunInfo
    authority: int = 0
    table: Table = field(default_factory=Table)
    step: int | None = None
    ended: str | None = None


class RunStore:
    """Gathers the events of one run. Single writer; everything it gives out is frozen."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._launches: list[_Launch] = []
        self._current: dict[str, _Launch] = {}
        self._launch_counts: Counter[tuple[str, str]] = Counter()
        self._joined: dict[tuple[str, int, Phase], tuple[Metrics, Origin]] = {}
        self._described: dict[str, tuple[int, RunInfo]] = {}
        self._ended_at: int | None = None
        self._keys: set[str] = set()
        self._pace = Pace()
        self._last_event_at: float | None = None
        self._tailable = False
        self._things = Things()

    def add(self, event: Event, origin: Origin) -> None:
        """Take in one event. Adding the same event again changes nothing that a snapshot shows."""
        match event:
            case Metrics():
                self._add_metrics(event, origin)
            case RunStarted():
                self._start(event, origin)
            case RunDescribed():
                _, known = self._described.get(origin.source, (0, RunInfo()))
                self._described[origin.source] = (origin.authority, info_of(event).completed_by(known))
            case Heartbeat():
                launch = self._current.get(origin.source)
                if launch is not None:
                    launch.step = max(launch.step or 0, event.step)
                self._heard(event.step, event.time)
            case RunEnded():
                self._end(event, origin)
            case _:
                self._things.add(event)
                self._clock(event.time)

    def _start(self, event: RunStarted, origin: Origin) -> None:
        self._tailable = True
        self._clock(event.time)
        if event.rank != 0:
            return
        process = f"{event.host}:{event.pid}"
        count = self._launch_counts[origin.format, process]
        self._launch_counts[origin.format, process] += 1
        key = process if count == 0 else f"{process}#{count}"
        launch = next((known for known in self._launches if known.key == key), None)
        info = info_of(event)
        if launch is None:
            launch = _Launch(key, event.time, info, origin.authority)
            self._launches.append(launch)
            self._launches.sort(key=lambda known: known.started_at)
            for earlier in self._launches[:-1]:
                earlier.table.closed = True
            self._rejoin()
        else:
            more_trusted = origin.authority > launch.authority
            launch.info = info.completed_by(launch.info) if more_trusted else launch.info.completed_by(info)
            launch.authority = max(launch.authority, origin.authority)
        self._current[origin.source] = launch

    def _rejoin(self) -> None:
        """A launch became known: rows that joined without one find their place anew."""
        if not self._joined:
            return
        self._launches = [launch for launch in self._launches if launch.key != _JOINED]
        joined, self._joined = self._joined, {}
        for event, origin in joined.values():
            self._add_metrics(event, origin)

    def _add_metrics(self, event: Metrics, origin: Origin) -> None:
        launch = self._current.get(origin.source)
        if launch is None:
            self._joined[origin.source, event.step, event.phase] = (event, origin)
            launch = self._launch_at(event.step)
        else:
            self._heard(event.step, event.time)
        if event.phase is Phase.FINAL:
            launch.ended = launch.ended or "finished"
        self._keys.update(event.values)
        prefix = "" if event.phase is Phase.TRAIN else f"{event.phase.value}/"
        values = {prefix + canonical(key): value for key, value in event.values.items()}
        launch.table.put(event.step, event.time, values, origin.authority)
        launch.step = max(launch.step or 0, event.step)

    def _launch_at(self, step: int) -> _Launch:
        """The launch a row without one belongs to: the newest that had logged by then."""
        begun = [launch for launch in self._launches if launch.table.length]
        for launch in reversed(begun):
            if int(launch.table.rows().steps[0]) <= step:
                return launch
        if begun:
            return begun[0]
        if not self._launches:
            self._launches.append(_Launch(_JOINED, -math.inf, RunInfo()))
        return self._launches[-1]

    def _end(self, event: RunEnded, origin: Origin) -> None:
        launch = self._current.get(origin.source)
        if launch is None:
            self._ended_at = max(self._ended_at or 0, event.step or 0)
        else:
            launch.ended = event.reason
            self._clock(event.time)

    def _heard(self, step: int, time: float) -> None:
        if math.isfinite(time):
            self._clock(time)
            self._pace.step(step, time)

    def _clock(self, time: float) -> None:
        if math.isfinite(time):
            self._last_event_at = time if self._last_event_at is None else max(self._last_event_at, time)

    def info(self) -> RunInfo:
        """The facts of the newest launch, completed by what the other sources tell."""
        info = self._launches[-1].info if self._launches else RunInfo()
        for _, described in sorted(self._described.values(), key=lambda item: -item[0]):
            info = info.completed_by(described)
        if info.algorithm is None:
            info = replace(info, algorithm=algorithm_from_keys(frozenset(self._keys)))
        return info

    def pulse(self, *, process_alive: bool | None) -> Pulse:
        """What the events say of the run's life."""
        info = self.info()
        newest = self._launches[-1] if self._launches else None
        step = newest.step if newest else None
        ended = newest is not None and newest.ended is not None
        if self._ended_at is not None and self._ended_at >= (
            step or 0
        ):  # a final state older than the newest launch is not its end
            ended = True
        return Pulse(
            last_event_at=self._last_event_at,
            step_seconds=self._pace.seconds(),
            ended=ended,
            process_alive=process_alive,
            step=step,
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
        newest = self._launches[-1] if self._launches else None
        segments = tuple(
            Segment(
                key=launch.key,
                info=launch.info.completed_by(info),
                rows=launch.table.rows(),
                settled=launch.table.length - (launch is newest and launch.table.length > 0),
                revision=launch.table.revision,
                version=launch.table.version,
                ended=launch.ended,
            )
            for launch in self._launches
            if launch.table.length or launch is newest
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
            checkpoints=self._things.checkpoints(),
            system=self._things.system(),
            extraction_errors=self._things.extraction_errors(),
            recorded_findings=self._things.recorded_findings(),
            problems=problems,
            tailable=self._tailable,
        )
