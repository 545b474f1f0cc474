"""Many log entries at once, as columns: what a reader makes of a long stretch of a log, where one event each would be slow.

Imports numpy, so the package does not import this module: a training process only writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from rldk_tui.events.schema import Event, Measured, Metrics, Origin, Phase


class Kind(IntEnum):
    """What the log said in a cell."""

    ABSENT = 0
    FINITE = 1
    NULL = 2
    """The trainer logged Python's None: nothing could be scored."""
    NONFINITE = 3


@dataclass(frozen=True, slots=True)
class Cells:
    """One key of some log entries.

    Attributes:
        values: shape (n,), NaN where nothing was logged, or None.
        kinds: shape (n,), `Kind` of each.
    """

    values: NDArray[np.float64]
    kinds: NDArray[np.uint8]


_KIND_OF_ALL = np.full(1, Kind.FINITE, np.uint8)


def all_finite(values: NDArray[np.float64]) -> Cells:
    """The cells of a key that every entry has, as a finite number."""
    return Cells(values, np.broadcast_to(_KIND_OF_ALL, values.shape))


def cells_of(values: Sequence[float | None], absent: Sequence[bool] | None = None) -> Cells:
    """The cells of a key in any entries; `absent` tells which do not have it."""
    numbers = np.array([np.nan if value is None else value for value in values], np.float64)
    kinds = np.where(np.isfinite(numbers), np.uint8(Kind.FINITE), np.uint8(Kind.NONFINITE))
    kinds[[value is None for value in values]] = Kind.NULL
    if absent is not None:
        kinds[list(absent)] = Kind.ABSENT
    return Cells(numbers, kinds)


@dataclass(frozen=True, slots=True)
class Entries:
    """Log entries of one source and kind, one a step.

    Attributes:
        phase: Of the trainer's log entries; None for what was measured beside them.
        steps: shape (n,), strictly rising.
        times: shape (n,), Unix seconds.
        columns: By the key that was logged.
    """

    phase: Phase | None
    steps: NDArray[np.int64]
    times: NDArray[np.float64]
    columns: Mapping[str, Cells]

    def __len__(self) -> int:
        return int(self.steps.size)

    def events(self) -> Iterator[Metrics | Measured]:
        """The same as one event a step."""
        columns = [(key, cells.values.tolist(), cells.kinds.tolist()) for key, cells in self.columns.items()]
        for row, (step, time) in enumerate(zip(self.steps.tolist(), self.times.tolist(), strict=True)):
            values = {
                key: None if kinds[row] == Kind.NULL else numbers[row]
                for key, numbers, kinds in columns
                if kinds[row] != Kind.ABSENT
            }
            if self.phase is None:
                yield Measured(time=time, step=step, values=values)
            else:
                yield Metrics(time=time, step=step, phase=self.phase, values=values)


def entries_of(events: Sequence[Metrics] | Sequence[Measured]) -> Entries:
    """Events of one kind and phase, of rising steps, as columns; what measurements name is not among them."""
    first = events[0]
    keys = dict.fromkeys(key for event in events for key in event.values)
    return Entries(
        phase=first.phase if isinstance(first, Metrics) else None,
        steps=np.array([event.step for event in events], np.int64),
        times=np.array([event.time for event in events], np.float64),
        columns={
            key: cells_of([event.values.get(key) for event in events], [key not in event.values for event in events])
            for key in keys
        },
    )


def merged(parts: Sequence[Entries]) -> Entries:
    """Entries of one phase and of different steps, in the order of their steps."""
    if len(parts) == 1:
        return parts[0]
    steps = np.concatenate([part.steps for part in parts])
    order = np.argsort(steps)
    columns = {}
    for key in dict.fromkeys(key for part in parts for key in part.columns):
        values, kinds = np.full(steps.size, np.nan), np.zeros(steps.size, np.uint8)
        start = 0
        for part in parts:
            cells = part.columns.get(key)
            if cells is not None:
                values[start : start + len(part)], kinds[start : start + len(part)] = cells.values, cells.kinds
            start += len(part)
        columns[key] = Cells(values[order], kinds[order])
    times = np.concatenate([part.times for part in parts])
    return Entries(phase=parts[0].phase, steps=steps[order], times=times[order], columns=columns)


def one_by_one(events: Iterable[tuple[Event | Entries, Origin]]) -> Iterator[tuple[Event, Origin]]:
    """The same, no event in columns."""
    for event, origin in events:
        if isinstance(event, Entries):
            yield from ((single, origin) for single in event.events())
        else:
            yield event, origin
