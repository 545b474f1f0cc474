"""Whose events a run directory holds: those of another callback in this process, or of another run."""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from rldk_tui.events import SUBFOLDER, Heartbeat, Metrics, RunStarted, decode_line, event_log_name

_LOOKED_AT = 65536
"""Bytes at the end of a log in which its last step is looked for."""


class _Recording(Protocol):
    @property
    def recording(self) -> bool: ...

    @property
    def besides(self) -> bool: ...

    def hand_over(self) -> None: ...


_Callback = TypeVar("_Callback", bound=_Recording)
_CLAIMS: dict[tuple[Path, int], weakref.ref[Any]] = {}


def claim(callback: _Callback, folder: Path, rank: int) -> _Callback | None:
    """Take a folder for this callback; returns the other one that is writing there, and then it stays the other's.

    A callback whose training is over, or was left by an exception, gives way; one that records besides something else hands
    over to one that is there for it.
    """
    key = (folder.resolve(), rank)
    held = _CLAIMS.get(key)
    other: _Callback | None = None if held is None else held()
    if other is not None and other is not callback and other.recording:
        if not other.besides or callback.besides:
            return other
        other.hand_over()
    _CLAIMS[key] = weakref.ref(callback)
    return None


def other_run(folder: Path, rank: int, state: Any) -> str | None:
    """A sentence if this directory holds the events of a training that the present one does not continue.

    A relaunch from the start is told too: its steps stand where those of the launch before it stood. A training resumed
    from a checkpoint continues what is there.

    Raises:
        OSError: if the log is there and cannot be read.
    """
    log = folder / SUBFOLDER / event_log_name(rank)
    if int(getattr(state, "global_step", 0) or 0) > 0 or not log.is_file():
        return None
    reached = _last_step(log)
    if not reached:
        return None
    started = _first_event(log)
    name = f" {started.run_id!r}" if started is not None else ""
    return (
        f"found {reached} steps of an earlier run{name} in {folder}, which this training does not continue; "
        "both are kept, the later one is shown: give each run an output_dir of its own"
    )


def _first_event(log: Path) -> RunStarted | None:
    with log.open("rb") as lines:
        event = _decoded(lines.readline(_LOOKED_AT))
    return event if isinstance(event, RunStarted) else None


def _last_step(log: Path) -> int | None:
    with log.open("rb") as lines:
        lines.seek(max(0, lines.seek(0, os.SEEK_END) - _LOOKED_AT))
        events = [_decoded(line) for line in lines.read().splitlines()]
    return max((event.step for event in events if isinstance(event, Heartbeat | Metrics)), default=None)


def _decoded(line: bytes) -> object:
    try:
        return decode_line(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
