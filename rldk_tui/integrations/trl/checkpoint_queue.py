"""The queue of checkpoints that wait for their analysis: a process of its own, one analysis at a time, at lowest priority.

It reads a line for each checkpoint on standard input, and ends when its input is closed and its queue is empty, which may be
long after the training. Each analysis is a process as well, so that the memory of one is gone before the next, and a broken
checkpoint takes nothing with it. SIGTERM ends it and the analysis in hand.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

MOST_WAITING = 4
"""Checkpoints that wait; of more, the newest are kept."""
LONGEST = 6 * 3600.0
"""Seconds after which an analysis is given up: hundreds of gigabytes from a slow disk take less."""
LOG = "events-checkpoint-queue.jsonl"
"""Where it is written down that a checkpoint was not analysed, beside the run's other logs."""
_FOLDER = "rldk"
_LOCK = ".checkpoint-queue.lock"
_NICE = 19
_ISSUES = 1
"""The exit status of `rldk checkpoints` where it found something wrong: that is an answer."""
_LAST_WORDS = 300


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint that waits."""

    step: int
    folder: Path


class Queue:
    """What arrived on a descriptor and was not taken yet."""

    def __init__(self, source: int) -> None:
        self._source = source
        self._rest = b""
        self._waiting: deque[Saved] = deque()
        self._open = True

    def take(self) -> tuple[Saved | None, list[Saved]]:
        """The next checkpoint, waited for if there is none, and those that were passed over for newer ones; None at the end."""
        while self._open and (not self._waiting or select.select([self._source], [], [], 0)[0]):
            self._read()
        passed = [self._waiting.popleft() for _ in range(len(self._waiting) - MOST_WAITING)]
        return (self._waiting.popleft() if self._waiting else None), passed

    def _read(self) -> None:
        data = os.read(self._source, 65536)
        self._open = bool(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            told = json.loads(line)
            self._waiting.append(Saved(int(told["step"]), Path(told["folder"])))


def main(arguments: Sequence[str]) -> int:
    """Run directory, then the command that analyses one checkpoint; its folder is appended."""
    os.nice(_NICE)
    signal.signal(signal.SIGTERM, _end)
    run, *command = arguments
    Path(run, _FOLDER).mkdir(parents=True, exist_ok=True)
    queue = Queue(sys.stdin.fileno())
    while True:
        saved, passed = queue.take()
        for one in passed:
            _tell(Path(run), one, f"more than {MOST_WAITING} newer ones were waiting")
        if saved is None:
            return 0
        with _alone(Path(run)):
            problems = [*_analysed(saved, command)]
        for problem in problems:
            _tell(Path(run), saved, problem)


@contextmanager
def _alone(run: Path) -> Iterator[None]:
    """Wait for the queue of an earlier launch, which may still be at work on the same run."""
    with (run / _FOLDER / _LOCK).open("ab") as lock:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + signal.SIGTERM)


def _analysed(saved: Saved, command: Sequence[str]) -> Iterator[str]:
    """Analyse one checkpoint; yields why that did not succeed."""
    if not saved.folder.is_dir():
        yield "it was removed before its turn came (save_total_limit)"
        return
    try:
        done = subprocess.run(
            [*command, str(saved.folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        yield f"its analysis took more than {LONGEST / 3600:g} hours"
        return
    except OSError as failure:
        yield f"its analysis could not be started: {failure}"
        return
    broke = b"Traceback" in done.stderr or done.returncode not in (0, _ISSUES)
    if broke and not saved.folder.is_dir():
        yield "it was removed while it was analysed (save_total_limit)"
    elif broke:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit status {done.returncode}"]
        yield f"its analysis failed: {lines[-1][-_LAST_WORDS:]}"


def _tell(run: Path, saved: Saved, why: str) -> None:
    """Write down that a checkpoint was not analysed."""
    from rldk_tui.events import ExtractionError
    from rldk_tui.events.writer import EventWriter

    message = f"the checkpoint of step {saved.step} was not analysed: {why}"
    with EventWriter(run / _FOLDER / LOG) as log:
        log.append(ExtractionError(time=time.time(), step=saved.step, message=message))
