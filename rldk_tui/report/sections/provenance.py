"""Where the page comes from: what was trained, with what, on what, and which files were read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rldk_tui.charts.format import size
from rldk_tui.events import Json, strict
from rldk_tui.report.sections import Section
from rldk_tui.session import RunHealth

_LONGEST_VALUE = 300
_TELLING = (
    "learning_rate",
    "lr_scheduler_type",
    "warmup_steps",
    "beta",
    "kl_coef",
    "loss_type",
    "num_generations",
    "num_iterations",
    "num_ppo_epochs",
    "epsilon",
    "cliprange",
    "scale_rewards",
    "temperature",
    "max_completion_length",
    "response_length",
    "mask_truncated_completions",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "max_grad_norm",
    "max_steps",
    "logging_steps",
    "seed",
    "bf16",
    "use_vllm",
)
"""Settings that a reader asks for first, in the order of the table."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and what is known of it."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Source:
    """Files of one format that were read."""

    format: str
    example: str
    files: int


@dataclass(frozen=True, slots=True)
class Provenance:
    """Facts about the run and about this page; what no source told is left out.

    Attributes:
        settings: The telling ones of the trainer's config.
        config: All of it.
        taken_at: Unix seconds at which the run was read.
    """

    run: tuple[Fact, ...]
    settings: tuple[Fact, ...]
    config: tuple[Fact, ...]
    versions: tuple[Fact, ...]
    hardware: tuple[Fact, ...]
    sources: tuple[Source, ...]
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
    telling = {name: info.config[name] for name in _TELLING if info.config.get(name) is not None}
    return Provenance(
        run=_facts(facts),
        settings=_facts(telling),
        config=_facts(dict(sorted(info.config.items())), keep_none=True),
        versions=_facts(info.versions),
        hardware=_facts({name: _in_bytes(name, value) for name, value in info.hardware.items()}),
        sources=tuple(_sources(health)),
        started_at=info.started_at,
        taken_at=health.snapshot.taken_at,
    )


def _facts(values: Mapping[str, Json], *, keep_none: bool = False) -> tuple[Fact, ...]:
    return tuple(Fact(str(name), _value(value)) for name, value in values.items() if keep_none or value is not None)


def _in_bytes(name: str, value: Json) -> Json:
    """Memory is recorded in bytes; people read GiB."""
    return size(value) if name.startswith("memory") and isinstance(value, int) else value


def _value(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(strict(value), ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _sources(health: RunHealth) -> Iterator[Source]:
    counts = Counter(origin.format for origin in health.sources)
    for name, files in sorted(counts.items()):
        yield Source(name, next(origin.source for origin in health.sources if origin.format == name), files)


SECTION = Section(title="Provenance", order=90, build=build, template="provenance")
