"""Child processes of a training: this package's own verbs, at low priority, with nothing of the training's.

They see no GPU, use one thread, stand in a session of their own (Ctrl-C in the training's terminal is not theirs) and find
this package where the training found it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_PACKAGES = str(Path(__file__).resolve().parents[3])
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS")
_NOT_ITS_OWN = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "PYTHONSTARTUP")
_LAST_WORDS = 500
"""Bytes of what a child printed last that are kept."""


def python(code: str, *arguments: str) -> list[str]:
    """The command that runs `code` in a fresh interpreter that finds this package.

    Its folder comes last on the path: beside it may lie anything. The current folder is not on it (-P).
    """
    return [sys.executable, "-P", "-c", f"import sys; sys.path.append({_PACKAGES!r}); {code}", *arguments]


def rldk(*arguments: str) -> list[str]:
    """The command `rldk` with these arguments."""
    return python("from rldk_tui.cli import main; sys.exit(main())", *arguments)


def environment(threads: int) -> dict[str, str]:
    """The training's environment without its devices, its threads and its place among other processes."""
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_ITS_OWN}
    return {**inherited, **dict.fromkeys(_THREADS, str(threads)), "CUDA_VISIBLE_DEVICES": ""}


class Child:
    """One child process; what is written to it and read from it is bytes, what it complains of is kept.

    Raises:
        OSError: if it cannot be started.
    """

    def __init__(self, command: list[str], *, threads: int = 1, reads: bool = True) -> None:
        self._complaints: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if reads else subprocess.DEVNULL,
                stderr=self._complaints,
                env=environment(threads),
                start_new_session=True,
            )
        except OSError:
            self._complaints.close()
            raise

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def lines(self) -> Iterator[bytes]:
        """What it says, line by line until it ends, to be read by one thread.

        Read from the descriptor itself: a thread that waits inside a buffered file aborts an interpreter that shuts down.
        """
        if self._process.stdout is None:
            raise ValueError("this child is not listened to")
        descriptor, rest = self._process.stdout.fileno(), b""
        while data := os.read(descriptor, 65536):
            *lines, rest = (rest + data).split(b"\n")
            yield from lines

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.poll()

    def send(self, line: bytes) -> bool:
        """Write to its input without waiting; False if it does not take it."""
        if self._process.stdin is None or self._process.stdin.closed:
            return False
        try:
            os.set_blocking(self._process.stdin.fileno(), False)
            return os.write(self._process.stdin.fileno(), line) == len(line)
        except OSError:  # it is gone, or too far behind
            return False

    def finish(self, line: bytes = b"") -> None:
        """Close its input, after one last line: a worker that was forked from the training may hold it open."""
        if line:
            self.send(line)
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()

    def ended_within(self, seconds: float) -> bool:
        """Whether it ends by itself in this time."""
        try:
            self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """End it now."""
        self.finish()
        self._process.kill()
        self._process.wait()

    def last_words(self) -> str:
        """What it complained of last, or its exit status: of a traceback the last line, of a sentence and its hint both."""
        try:
            self._complaints.seek(max(0, self._complaints.seek(0, os.SEEK_END) - _LAST_WORDS))
            text = self._complaints.read().decode("utf-8", "replace").strip()
        except (OSError, ValueError):
            text = ""
        lines = [line.strip() for line in text.splitlines()]
        broke = any(line.startswith(("Traceback", 'File "')) for line in lines)
        return " ".join(lines[-1:] if broke else lines[-2:]) or f"exit status {self.status}"
