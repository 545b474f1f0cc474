"""Runs a command for every change. The feed never waits for it, and a command that fails or hangs is told once.

What the run says reaches the command as data alone: JSON on its standard input, and environment variables, which a shell
does not read as code when they are quoted.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import IO

from rldk_tui.charts.text import one_line
from rldk_tui.watch.changes import Change, FindingChanged
from rldk_tui.watch.lines import Moment, as_json_line

AT_ONCE = 4
"""Commands that run at the same time."""
MOST_WAITING = 200
"""Changes that wait for their turn; a command too slow for more misses the rest."""
TIMEOUT = 30.0
"""Seconds after which a command is ended, and that the end of the watch waits for those that are left."""
_LONGEST = 4000
_GRACE = 1.0
"""Seconds from asking a command to end to making it end."""


class Notifier:
    """Runs `command` in a shell for each change.

    Args:
        complain: Takes what went wrong, in one sentence; each kind is told once.
    """

    def __init__(self, command: str, directory: str, complain: Callable[[str], None], *, timeout: float = TIMEOUT) -> None:
        self._command = command
        self._directory = directory
        self._complain = complain
        self._timeout = timeout
        self._told: set[str] = set()
        self._over = False
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="rldk-notify")
        self._waiting: set[Future[None]] = set()

    def send(self, change: Change, moment: Moment) -> None:
        """Have the command told of a change; returns at once."""
        self._waiting = {future for future in self._waiting if not future.done()}
        if len(self._waiting) >= MOST_WAITING:
            self._say(
                "lost", f"the command is too slow: more than {MOST_WAITING} changes wait for it, further ones are left out"
            )
            return
        line = as_json_line(change, moment).encode() + b"\n"
        self._waiting.add(self._pool.submit(self._run, line, self._environment(change, moment)))

    def close(self) -> None:
        """Wait for what is left, for so long as one command may take, then end it."""
        _, late = wait(self._waiting, timeout=self._timeout + 2 * _GRACE)
        self._over = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        if late:
            self._say("late", f"{len(late)} changes were not told by the command in time")
        with self._lock:
            running = tuple(self._running)
        for process in running:
            _end(process)

    def _environment(self, change: Change, moment: Moment) -> dict[str, str]:
        told = {
            "CHANGE": change.change.value if isinstance(change, FindingChanged) else "state",
            "AT_START": "1" if change.at_start else "0",
            "RUN": moment.run,
            "DIRECTORY": self._directory,
            "STATE": moment.state.value,
            "STEP": "" if moment.step is None else str(moment.step),
        }
        if isinstance(change, FindingChanged):
            finding = change.finding
            told |= {
                "ID": finding.id,
                "RULE": finding.rule,
                "SEVERITY": finding.severity.value,
                "METRIC": finding.metric or "",
                "FIRST_STEP": str(finding.first_step),
                "SUMMARY": finding.summary,
            }
        return {**os.environ, **{f"RLDK_{name}": one_line(value, _LONGEST) for name, value in told.items()}}

    def _run(self, line: bytes, environment: dict[str, str]) -> None:
        with tempfile.TemporaryFile() as errors:
            try:
                process = subprocess.Popen(
                    ["sh", "-c", self._command],
                    stdin=subprocess.PIPE,
                    stdout=errors,
                    stderr=errors,
                    env=environment,
                    start_new_session=True,  # so that what it started ends with it
                )
            except OSError as failure:
                self._say("start", f"the command cannot be started: {failure}")
                return
            with self._lock:
                self._running.add(process)
            try:
                process.communicate(line, timeout=self._timeout)
            except subprocess.TimeoutExpired:
                _end(process)
                self._say("timeout", f"the command took longer than {self._timeout:g} s and was ended")
                return
            finally:
                with self._lock:
                    self._running.discard(process)
            if process.returncode and not self._over:
                self._say("status", f"the command failed with status {process.returncode}{_last_line(errors)}")

    def _say(self, kind: str, sentence: str) -> None:
        with self._lock:
            if kind in self._told:
                return
            self._told.add(kind)
        self._complain(f"--notify: {sentence} (told once)")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and all it started: politely, and a second later for good."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        deadline = time.monotonic() + _GRACE
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)


def _last_line(errors: IO[bytes]) -> str:
    """The end of what the command printed, as it may be shown."""
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - 500))
    lines = errors.read().decode("utf-8", "replace").strip().splitlines()
    return f": {one_line(lines[-1], 200)}" if lines else ""
