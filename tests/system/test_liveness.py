"""A run's process is alive, gone, or not ours to tell."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import pytest

from rldk_tui.system import process_is_alive

HERE = socket.gethostname()


def test_this_process_is_alive() -> None:
    assert process_is_alive(os.getpid(), HERE, time.time()) is True


def test_a_process_that_ended_is_not() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert process_is_alive(ended.pid, HERE, time.time()) is False


def test_a_process_that_ended_and_was_not_collected_is_not_alive_either() -> None:
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    deadline = time.monotonic() + 20
    while process_is_alive(zombie.pid, HERE, time.time()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert process_is_alive(zombie.pid, HERE, time.time()) is False
    zombie.wait()


def test_a_process_that_started_long_after_the_run_only_took_over_its_number() -> None:
    assert process_is_alive(os.getpid(), HERE, time.time() - 10 * 365 * 86400) is False


@pytest.mark.parametrize(
    ("pid", "host", "started"),
    [
        (os.getpid(), "another-node", 1e10),
        (os.getpid(), None, 1e10),
        (None, HERE, 1e10),
        (0, HERE, 1e10),
        (-1, HERE, 1e10),
        (os.getpid(), HERE, None),
    ],
    ids=["another host", "no host", "no pid", "pid 0", "a negative pid", "no start"],
)
def test_nothing_is_said_where_nothing_can_be_known(pid: int | None, host: str | None, started: float | None) -> None:
    assert process_is_alive(pid, host, started) is None
