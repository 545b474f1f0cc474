"""Whether the process that wrote a log still runs: the difference between a quiet run and a dead one."""

from __future__ import annotations

import socket

import psutil

_CLOCK_TOLERANCE = 10.0
"""Seconds. The kernel tells a process's start as ticks since boot, and clocks are set after boot."""


def process_is_alive(pid: int | None, host: str | None, started_before: float | None) -> bool | None:
    """Whether the run's process is still there.

    Args:
        pid: The process as the run told it.
        host: The host name as the run told it.
        started_before: A Unix time at which the process was running, such as the time of its `run_started`. A process
            that started later only took over the number.

    Returns:
        True, False, or None where this machine cannot tell: another host, or nothing to go by.
    """
    if pid is None or pid <= 0 or started_before is None or host is None or host != socket.gethostname():
        return None
    try:
        process = psutil.Process(pid)
        if process.create_time() > started_before + _CLOCK_TOLERANCE:
            return False
        return bool(process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD))
    except psutil.NoSuchProcess:
        return False
    except (psutil.Error, OSError, OverflowError):
        return None
