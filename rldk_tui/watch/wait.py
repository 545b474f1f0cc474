"""The time between two looks, ended early by whoever wants the watch to end.

Sleeping would not do: a reader who went away is told by his pipe and a signal by its arrival, at once and at no cost.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from types import FrameType, TracebackType

import psutil

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_GONE = select.POLLERR | select.POLLHUP | select.POLLNVAL


class Wait:
    """While it is entered, the signals that end a process end the wait, so that the line in hand is told whole.

    Args:
        until_eof: End as well when standard input is closed, or anything arrives on it.
        beside: The process with which the watch ends; None for none.

    Attributes:
        signal: The signal that came, or None.
        over: Whether the watch is to end.
    """

    def __init__(self, *, until_eof: bool = False, beside: int | None = None) -> None:
        self.signal: signal.Signals | None = None
        self.over = False
        self._poll = select.poll()
        self._beside = _process(beside) if beside is not None else None
        self.over = beside is not None and self._beside is None
        if until_eof:
            self._poll.register(0, select.POLLIN)
        if sys.stdout is not None:
            self._poll.register(1, 0)
        self._kept: list[tuple[int, object]] = []

    def __enter__(self) -> Wait:
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        self._poll.register(self._woken, select.POLLIN)
        for number in _SIGNALS:
            self._kept.append((number, signal.signal(number, self._arrived)))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._kept:
            signal.signal(number, handler)  # type: ignore[arg-type] # what `signal.signal` returned
        self._poll.unregister(self._woken)
        os.close(self._woken)
        os.close(self._wake)

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is not None:  # asked twice: not even the look in hand is waited for
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.signal = signal.Signals(number)
        self.over = True
        os.write(self._wake, b"x")

    def seconds(self, seconds: float) -> None:
        """Wait so long, or less; look at `over` afterwards."""
        if not self.over and self._poll.poll(seconds * 1000):
            self.over = True
        if self._beside is not None and not _runs(self._beside):
            self.over = True


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.Error:
        return None


def _runs(process: psutil.Process) -> bool:
    """Whether it is there still: a number that another process took over is not, nor is one that nobody has buried yet."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True
