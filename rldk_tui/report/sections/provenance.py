"""Where the page comes from: what was trained, with what, on what, and which files were read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rldk_tui.charts.format import size
from rldk_tui.events import Json
from rldk_tui.report.inputs import Source, sources
from rldk_tui.report.sections import Section
from rldk_tui.report.texts import written
from rldk_tui.session import RunHealth


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and what is known of it."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Told:
    """Metrics of which the same formats tell, the one that is believed first in front."""

    formats: tuple[str, ...]
    metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Facts about the run and about this page; what no source told is left out.

    Attributes:
        sources: The files that were read.
        told: Which of them tell of which metrics.
        taken_at: Unix seconds at which the run was read.
    """

    run: tuple[Fact, ...]
    versions: tuple[Fact, ...]
    hardware: tuple[Fact, ...]
    sources: tuple[Source, ...]
    told: tuple[Told, ...]
    started_at: float | None
    taken_at: float


def build(health: RunHealth) -> Provenance:
    """Always there."""
    info = health.snapshot.info
    facts = {
        "run": health.snapshot.name,
        "run id": info.run_id,
        "algorithm": None if info.algorithm is None else info.algorithm.value,
        "trainer": info.trainer,
        "model": info.model,
        "steps planned": info.max_steps,
        "seed": info.seed,
        "git revision": info.git_revision,
        "host": info.host,
        "processes": info.world_size,
        "launches": len(health.snapshot.segments),
        "checkpoints seen": len(health.snapshot.checkpoints),
    }
    return Provenance(
        run=_facts(facts),
        versions=_facts(info.versions),
        hardware=_facts({name: _in_bytes(name, value) for name, value in info.hardware.items()}),
        sources=tuple(sources(health.directory, health.sources)),
        told=tuple(_told(health)),
        started_at=info.started_at,
        taken_at=health.snapshot.taken_at,
    )


def _told(health: RunHealth) -> Iterator[Told]:
    formats = {origin.source: origin.format for origin in health.sources}
    alike: dict[tuple[str, ...], list[str]] = {}
    for metric, files in sorted(health.snapshot.sources.items()):
        alike.setdefault(tuple(dict.fromkeys(formats.get(file, file) for file in files)), []).append(metric)
    for told_by, metrics in alike.items():
        yield Told(told_by, tuple(metrics))


def _facts(values: Mapping[str, Json]) -> tuple[Fact, ...]:
    return tuple(Fact(str(name), written(value)) for name, value in values.items() if value is not None)


def _in_bytes(name: str, value: Json) -> Json:
    """Memory is recorded in bytes; people read GiB."""
    return size(value) if name.startswith("memory") and isinstance(value, int) else value


SECTION = Section(title="Provenance", order=90, build=build, template="provenance")
