"""What a run left beside its metric rows: generations, checkpoints, machine samples, errors of extraction."""

from __future__ import annotations

import math
from collections import Counter

from rldk_tui.events import (
    Checkpoint,
    Completions,
    Event,
    ExtractionError,
    Finding,
    FindingReported,
    Origin,
    System,
)
from rldk_tui.run.generations import Generations, LoggedGenerations

_MOST_SAMPLES = 8192


def _looked_at(checkpoint: Checkpoint) -> bool:
    """Whether the folder itself was looked at; that event has no time, and no trainer's word read later undoes it."""
    return math.isnan(checkpoint.time)


class Things:
    """Keeps the newest word on each thing. The tuples it gives out are built anew only when something came."""

    def __init__(self) -> None:
        self._generations = Generations()
        self._checkpoints: dict[str, Checkpoint] = {}
        self._system: list[System] = []
        self._extraction_errors: list[ExtractionError] = []
        self._recorded_findings: dict[str, Finding] = {}
        self._shown: dict[type, tuple[object, ...]] = {}

    def add(self, event: Event, origin: Origin) -> None:
        """Take in one event that is not a metric row and does not start, describe or end the run."""
        self._shown.pop(type(event), None)
        match event:
            case Completions():
                self._generations.add(event, origin)
            case Checkpoint():
                known = self._checkpoints.get(event.path)
                if known is None or _looked_at(event) or not _looked_at(known):
                    self._checkpoints[event.path] = event
            case System():
                self._system.append(event)
                if len(self._system) > _MOST_SAMPLES:
                    self._thin_out()
            case ExtractionError():
                self._extraction_errors.append(event)
            case FindingReported():
                self._recorded_findings[event.finding.id] = event.finding
            case _:
                raise TypeError(f"no place for {type(event).__name__}")

    def _thin_out(self) -> None:
        """Keep every second sample of the older half, rank by rank: a long run's trend at half the rate, the newest whole."""
        older, newer = self._system[: _MOST_SAMPLES // 2], self._system[_MOST_SAMPLES // 2 :]
        seen: Counter[int] = Counter()
        kept = []
        for sample in older:
            if seen[sample.rank] % 2 == 0:
                kept.append(sample)
            seen[sample.rank] += 1
        self._system = kept + newer

    def completions(self) -> tuple[Completions, ...]:
        """Those whose texts are in memory, by step; of the same step, eval before train."""
        if Completions not in self._shown:
            self._shown[Completions] = self._generations.held()
        return self._shown[Completions]  # type: ignore[return-value]

    def generations(self) -> tuple[LoggedGenerations, ...]:
        """All on record, in the same order."""
        return self._generations.logged()

    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """By step."""
        return tuple(sorted(self._checkpoints.values(), key=lambda checkpoint: (checkpoint.step, checkpoint.path)))

    def system(self) -> tuple[System, ...]:
        """Oldest first."""
        if System not in self._shown:
            self._shown[System] = tuple(self._system)
        return self._shown[System]  # type: ignore[return-value]

    def extraction_errors(self) -> tuple[ExtractionError, ...]:
        """In the order they were written."""
        if ExtractionError not in self._shown:
            self._shown[ExtractionError] = tuple(self._extraction_errors)
        return self._shown[ExtractionError]  # type: ignore[return-value]

    def recorded_findings(self) -> tuple[Finding, ...]:
        """What a live diagnosis said at the time, the last word on each."""
        return tuple(self._recorded_findings.values())
