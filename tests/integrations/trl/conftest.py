"""One set of tiny models for every training, and a log that is easily asked."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from rldk_tui.events import Event, ExtractionError, ExtractionKind, Metrics, decode_line
from sample_runs.tiny_models import Models, build, work_alone

work_alone()
_Kind = TypeVar("_Kind")


@dataclass(frozen=True)
class EventLog:
    """The event log that one rank of a training left."""

    path: Path

    @property
    def events(self) -> list[Event]:
        return [decode_line(line) for line in self.path.read_bytes().splitlines()]

    def of(self, kind: type[_Kind]) -> list[_Kind]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def faults(self) -> list[ExtractionError]:
        """What went wrong; what is rightly unavailable is not."""
        return [error for error in self.of(ExtractionError) if error.kind is not ExtractionKind.UNAVAILABLE]

    def values(self, metric: str) -> dict[int, float | None]:
        """The metric by step, where it was logged."""
        return {row.step: row.values[metric] for row in self.of(Metrics) if metric in row.values}


def log_of(run: Path, rank: int = 0) -> EventLog:
    """The event log of a run directory."""
    return EventLog(run / "rldk" / f"events-rank{rank:05d}.jsonl")


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """Models of a few seconds: they speak the language badly, which is enough for the log to be real."""
    pytest.importorskip("trl")
    built = build(tmp_path_factory.mktemp("models"), steps=40)
    gc.freeze()  # the libraries that are loaded by now are no garbage either
    return built
