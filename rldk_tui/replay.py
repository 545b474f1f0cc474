"""A finished run played again: the same store and rules, fed by a clock that runs faster.

Events are given out in the order in which they could have been seen. What has no clock of its own (a final state file, a
completions file) comes with the step it speaks of.
"""

from __future__ import annotations

import math
import threading
import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rldk_tui.analysis import Gathered, RewardRecord, with_samples
from rldk_tui.diagnosis.catalogue import load_rules
from rldk_tui.diagnosis.engine import Engine
from rldk_tui.diagnosis.settings import configured, read_settings
from rldk_tui.errors import UserError
from rldk_tui.events import Completions, Event, Heartbeat, Metrics, Origin, RunDescribed, RunEnded
from rldk_tui.events.entries import one_by_one
from rldk_tui.ingest import Follower, locate
from rldk_tui.run import RunStore
from rldk_tui.session import RunHealth, health_of

_UNTIMED_STEP_SECONDS = 1.0
"""Pace of a run of which no source has a clock (a trainer_state alone)."""


class Replay:
    """Plays one run."""

    def __init__(self, path: Path, speed: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.directory = locate(path)
        self.settings = read_settings(self.directory)
        self._speed = speed
        self._clock = clock
        follower = Follower(self.directory)
        batch = follower.poll()
        self._sources = follower.sources()
        self._problems = batch.problems
        gathered = Gathered()
        self._timed = _in_time(list(with_samples(one_by_one(batch.events), gathered)))
        self._disorder = gathered.text.disorder  # by the run's first batches, which a living run has soon
        if not self._timed:
            raise UserError(f"{path} holds nothing to replay.", "A replay needs logged steps.")
        self._times = [when for when, _, _ in self._timed]
        self._fresh()
        self._moment = self._times[0]
        self._begun = False
        self._looked_at = 0.0
        self._paused = False
        self._lock = threading.Lock()

    def _fresh(self) -> None:
        self._store = RunStore(self.directory.resolve().name)
        self._engine = Engine(configured(load_rules(), self.settings))
        self._rewards = RewardRecord()
        self._given = 0

    def pause(self, *, paused: bool) -> None:
        """Stop the replay's clock, or let it go on."""
        with self._lock:
            self._tick()
            self._paused = paused

    def seek(self, share: float) -> None:
        """Go on by a share of the run, or back; what is judged at a step stays the same."""
        with self._lock:
            self._tick()
            length = self._times[-1] - self._times[0]
            self._moment = min(max(self._times[0], self._moment + share * length), self._times[-1])

    def _tick(self) -> None:
        """Let the replay's clock go on to now."""
        now = self._clock()
        if self._begun and not self._paused:
            self._moment += (now - self._looked_at) * self._speed
        self._begun, self._looked_at = True, now

    def poll(self) -> RunHealth:
        """The run's health as it stood at the moment the replay has come to."""
        with self._lock:
            self._tick()
            moment = self._moment
        upto = bisect_right(self._times, moment)
        if upto < self._given:
            self._fresh()
        for _, event, origin in self._timed[self._given : upto]:
            self._store.add(event, origin)
            if isinstance(event, Completions):
                self._rewards.add(event)
        self._given = max(self._given, upto)
        over = self._given == len(self._timed)
        pulse = self._store.pulse(process_alive=None if over else True)
        # A run that told its end stays at it; of one that did not, the silence after its last word is part of the story.
        now = moment if over and not pulse.ended else min(moment, self._times[-1])
        snapshot = self._store.snapshot(now, self._problems, pulse)
        health = health_of(self.directory, snapshot, self._engine, self._sources, self.settings)
        return replace(health, rewards=self._rewards.account(), text=self._disorder)


def _in_time(events: list[tuple[Event, Origin]]) -> list[tuple[float, Event, Origin]]:
    """Events with the moment at which each could have been seen, in that order."""
    seen: dict[int, float] = {}
    for event, _ in events:
        if isinstance(event, Metrics | Heartbeat) and math.isfinite(event.time):
            seen[event.step] = max(event.time, seen.get(event.step, event.time))
    steps = sorted(seen)
    last = max(seen.values(), default=0.0)

    def moment(event: Event) -> float:
        if math.isfinite(event.time):
            return event.time
        if isinstance(event, RunEnded):
            return last
        step: int | None = getattr(event, "step", None)
        if step is None or isinstance(event, RunDescribed):
            return -math.inf
        if not steps:
            return step * _UNTIMED_STEP_SECONDS
        return seen[steps[max(0, bisect_right(steps, step) - 1)]]

    timed = [(moment(event), event, origin) for event, origin in events]
    first = min((when for when, _, _ in timed if math.isfinite(when)), default=0.0)
    return sorted(((max(first, when), event, origin) for when, event, origin in timed), key=lambda item: item[0])
