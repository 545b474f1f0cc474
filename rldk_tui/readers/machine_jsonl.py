"""Machine samples as JSON lines: one object a line with `step` and the memory of the training process.

That is what people's own callbacks leave beside a log (`system.jsonl`): `{"time": …, "step": 3, "rss_mb": 413.2}`.
Keys are recognised by name and unit; what else a line says is left alone. A line that is no such object is a read problem, a
last line without its newline waits for the rest.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import PurePath

from rldk_tui.events import LAST_STEP, LAST_TIME, Event, Json, ReadProblem, System
from rldk_tui.readers import Read, StreamFormat

_MIB, _GIB = 2**20, 2**30
_MEMORY = {
    "rss": ("process_rss", 1),
    "rss_bytes": ("process_rss", 1),
    "rss_mb": ("process_rss", _MIB),
    "rss_gb": ("process_rss", _GIB),
    "cpu_memory_mb": ("process_rss", _MIB),
    "gpu_allocated_mb": ("torch_allocated", _MIB),
    "gpu_memory_allocated_mb": ("torch_allocated", _MIB),
    "gpu_reserved_mb": ("torch_reserved", _MIB),
    "gpu_memory_reserved_mb": ("torch_reserved", _MIB),
}
"""Keys seen in real files: the field they fill, and the bytes of their unit."""
_STEPS = ("step", "global_step")
_TIMES = ("time", "timestamp", "t")
_LONGEST_LINE = 1024 * 1024


def _first(line: dict[str, Json], names: tuple[str, ...]) -> float | None:
    """The first of these that is a finite number."""
    numbers = [float(line[name]) for name in names if type(line.get(name)) in (int, float)]
    return next((number for number in numbers if math.isfinite(number)), None)


def _sample(line: Json) -> System | None:
    """The sample one object tells of; None if it tells of none."""
    if not isinstance(line, dict) or "type" in line:
        return None
    step, time = _first(line, _STEPS), _first(line, _TIMES)
    if step is None or not 0 <= step <= LAST_STEP:
        return None
    memory: dict[str, int] = {}
    for key, (name, unit) in _MEMORY.items():
        value = _first(line, (key,))
        if value is not None and 0 <= value * unit < LAST_STEP:
            memory.setdefault(name, int(value * unit))
    if not memory:
        return None
    return System(
        time=time if time is not None and time <= LAST_TIME else math.nan,
        step=int(step),
        process_rss=memory.get("process_rss"),
        torch_allocated=memory.get("torch_allocated"),
        torch_reserved=memory.get("torch_reserved"),
    )


class MachineDecoder:
    """Splits at newlines, keeps what is incomplete."""

    def __init__(self, path: PurePath) -> None:
        self._source = str(path)
        self._rest = b""
        self._line = 0

    def feed(self, chunk: bytes) -> Iterator[Read]:
        """Yield the sample, or the problem, of every line that is complete now."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._line += 1
            if line.strip():
                yield self._read(line) or self._problem("a line tells of no machine sample")
        if len(self._rest) > _LONGEST_LINE:
            self._rest = b""
            yield self._problem(f"a line of more than {_LONGEST_LINE} bytes was cut off")

    def flush(self) -> Iterator[Event]:
        """The last line if it is whole but for its newline."""
        sample = self._read(self._rest) if self._rest.rstrip().endswith(b"}") else None
        if sample is not None:
            self._rest = b""
            yield sample

    def pending(self) -> int:
        """Bytes of a last line that is not whole."""
        return len(self._rest)

    def _read(self, line: bytes) -> System | None:
        try:
            return _sample(json.loads(line))
        except (ValueError, RecursionError):
            return None

    def _problem(self, message: str) -> ReadProblem:
        return ReadProblem(source=self._source, message=message, line=self._line)


def claims(path: PurePath, head: bytes) -> bool:
    """A file of JSON lines whose first line is such a sample."""
    if ".jsonl" not in path.name:
        return False
    try:
        return _sample(json.loads(head.lstrip().split(b"\n", 1)[0])) is not None
    except (ValueError, RecursionError):
        return False


FORMAT = StreamFormat(name="machine samples", authority=6, claims=claims, decoder=MachineDecoder)
