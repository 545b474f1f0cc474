"""Keeps the newest rows, and makes records of them when somebody asks: a log costs the training one append."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, overload

from rldk_tui.events import Algorithm, Gpu, Phase, System
from rldk_tui.integrations.trl.metrics_record.facts import Fact, facts
from rldk_tui.integrations.trl.metrics_record.record import KINDS, NOT_COUNTED, UNKNOWN, RLDKMetrics
from rldk_tui.integrations.trl.metrics_record.sources import sources, standing
from rldk_tui.integrations.trl.metrics_record.unavailable import unavailable
from rldk_tui.integrations.trl.part import Part, Training
from rldk_tui.metrics import canonical

_ROWS_BEFORE_TELLING = 2
"""Rows of training after which every part has measured what it can."""
_LARGEST_COUNT = 2**63

Values = Mapping[str, float | None]


class Kept(NamedTuple):
    """One row as it came, and what was measured until then; a tuple, because one is made at every log."""

    time: float
    step: int
    phase: Phase
    values: Values
    measured: Values
    machine: System | None
    before: tuple[float, int] | None
    """Time and step of the row of training before it."""


class MetricsHistory(Sequence[RLDKMetrics]):
    """The newest records, oldest first; each is made when it is looked at."""

    def __init__(self, rows: deque[Kept], algorithm: Algorithm | None, constant: Mapping[str, Fact], once: Values) -> None:
        self._rows = rows
        self._algorithm = algorithm
        self._constant = constant
        self._once = once

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> RLDKMetrics: ...
    @overload
    def __getitem__(self, index: slice) -> list[RLDKMetrics]: ...
    def __getitem__(self, index: int | slice) -> RLDKMetrics | list[RLDKMetrics]:
        """One record, or a list of them."""
        if isinstance(index, slice):
            return [self._made(row) for row in list(self._rows)[index]]
        return self._made(self._rows[index])

    def __iter__(self) -> Iterator[RLDKMetrics]:
        return (self._made(row) for row in list(self._rows))

    def newest(self, phase: Phase) -> RLDKMetrics | None:
        """The newest record of this phase."""
        row = next((row for row in reversed(self._rows) if row.phase is phase), None)
        return None if row is None else self._made(row)

    def _made(self, row: Kept) -> RLDKMetrics:
        return record_of(row, self._algorithm, self._constant, self._once)


class History(Part):
    """Keeps what the trainer logs; the newest `length` rows."""

    task = "keep the metrics"

    def __init__(self, length: int) -> None:
        self._length = max(1, length)
        self._start(None, {})

    def _start(self, training: Training | None, constant: Mapping[str, Fact]) -> None:
        self._training = training
        self._rows: deque[Kept] = deque(maxlen=self._length)
        self._once: dict[str, float | None] = {}
        self._before: tuple[float, int] | None = None
        self._telling = _ROWS_BEFORE_TELLING
        algorithm = None if training is None else training.algorithm
        self.records = MetricsHistory(self._rows, algorithm, constant, self._once)

    def begin(self, training: Training) -> None:
        """Read what does not change."""
        self._start(training, facts(training, training.recorder.run_id or UNKNOWN))

    def logged(self, step: int, phase: Phase, values: dict[str, float | None]) -> None:
        """Keep the row; what was measured belongs to the next row of training."""
        training = self._training
        if training is None:
            return
        now, recorder = time.time(), training.recorder
        of_training = phase is Phase.TRAIN
        measured = recorder.fresh() if of_training else {}
        self._rows.append(Kept(now, step, phase, values, measured, recorder.machine, self._before))
        if measured:
            self._once.update((name, value) for name, value in measured.items() if standing(name))
        if of_training:
            self._before = now, step
            if self._telling:
                self._telling -= 1
                if not self._telling:
                    self._tell_unavailable(training)

    def ended(self, step: int) -> None:  # noqa: ARG002
        """A training of very few logs is told too what it could not tell."""
        if self._telling and self._training is not None and self._before is not None:
            self._telling = 0
            self._tell_unavailable(self._training)

    def _tell_unavailable(self, training: Training) -> None:
        newest = self.records.newest(Phase.TRAIN)
        if newest is not None:
            training.recorder.write(*unavailable(training, newest))


def record_of(row: Kept, algorithm: Algorithm | None, constant: Mapping[str, Fact], once: Values) -> RLDKMetrics:
    """The record of one row."""
    named = {canonical(name): value for name, value in row.values.items()}
    # a value of the log is believed before a setting, and what was measured for this row before what was measured once
    found = {**once, **row.measured, **row.values, **named}
    fields: dict[str, Any] = {**constant, **_machine(row.machine), **_clock(row, named)}
    for field, kind in KINDS.items():
        value = next((found[name] for name in sources(field, algorithm) if found.get(name) is not None), None)
        if value is not None and (kept := _as(kind, value)) is not None:
            fields[field] = kept
    step = row.step
    return RLDKMetrics(**{**fields, "time": row.time, "step": step, "global_step": step, "phase": row.phase.value})


def _as(kind: type, value: float) -> float | int | bool | None:
    """The value as the field's type holds it; None where it cannot."""
    if kind is float:
        return value
    if not math.isfinite(value) or not -_LARGEST_COUNT < value < _LARGEST_COUNT:
        return None
    return bool(value) if kind is bool else int(value)


def _clock(row: Kept, named: Values) -> dict[str, float]:
    """Seconds a step since the row of training before."""
    if row.phase is not Phase.TRAIN or row.before is None or row.step <= row.before[1]:
        return {}
    seconds = (row.time - row.before[0]) / (row.step - row.before[1])
    per_second = named.get("eps")
    return {"step_seconds": seconds} | ({} if per_second is None else {"samples_per_second": per_second})


def _machine(sample: System | None) -> dict[str, float | int]:
    if sample is None:
        return {}
    gpu = max(sample.gpus, key=lambda one: one.memory_used or 0, default=Gpu(index=NOT_COUNTED))
    found = {
        "process_rss_bytes": sample.process_rss,
        "process_vms_bytes": sample.process_vms,
        "process_cpu_percent": sample.process_cpu_percent,
        "host_memory_used_bytes": sample.host_memory_used,
        "host_cpu_percent": sample.host_cpu_percent,
        "disk_free_bytes": sample.disk_free,
        "torch_allocated_bytes": sample.torch_allocated,
        "torch_reserved_bytes": sample.torch_reserved,
        "torch_peak_bytes": sample.torch_peak,
        "gpu_memory_used_bytes": gpu.memory_used,
        "gpu_utilization_percent": gpu.utilization_percent,
        "gpu_power_watts": gpu.power_watts,
        "gpu_temperature_celsius": gpu.temperature_celsius,
    }
    return {name: value for name, value in found.items() if value is not None}
