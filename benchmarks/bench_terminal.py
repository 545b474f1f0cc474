"""What the monitor costs a terminal and its machine: bytes and CPU at rest and at one row a second, how soon a row is on the
screen, memory, and how soon a key is answered while a long log loads. A pseudo-terminal of 120 × 36 counts the bytes.

A log of 200,000 rows is loaded; RLDK_BENCH_ROWS=1000000 takes the million (and a minute to write it).
"""

from __future__ import annotations

import os
import pty
import random
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

import psutil

from benchmarks.logs import a_log, append, row
from rldk_tui.events import Heartbeat, Metrics, RunEnded

WARM, LOOK = 8.0, 15.0
"""Seconds until it is at rest, and seconds that are measured."""
KEYS = 9
PATIENCE = 120.0


class Terminal:
    """A process in a pseudo-terminal; everything it writes is read and counted."""

    def __init__(self, run: Path, *options: str) -> None:
        self._controller, terminal = pty.openpty()
        ioctl(terminal, TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
        self._child = subprocess.Popen(
            [sys.executable, "-m", "rldk_tui", str(run), "--forget", *options],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
        )
        os.close(terminal)
        self.process = psutil.Process(self._child.pid)

    def read(self, seconds: float, until: Callable[[bytes], bool] = lambda _: False) -> bytes:
        """What is written in so many seconds, or until it is enough."""
        seen, end = b"", time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0 and not until(seen):
            if select.select([self._controller], [], [], min(left, 0.005))[0]:
                seen += os.read(self._controller, 65536)
        return seen

    def press(self, key: bytes) -> None:
        os.write(self._controller, key)

    def measured(self, seconds: float, every: Callable[[], None] = lambda: None) -> tuple[float, float]:
        """Bytes a second and percent of a core over so many seconds; `every` is called each second."""
        before, count, begin = sum(self.process.cpu_times()[:2]), 0, time.perf_counter()
        while time.perf_counter() - begin < seconds:
            every()
            count += len(self.read(1.0))
        taken = time.perf_counter() - begin
        return count / taken, 100 * (sum(self.process.cpu_times()[:2]) - before) / taken

    def close(self) -> None:
        self._child.kill()
        self._child.wait()
        os.close(self._controller)


def now_row(step: int, rng: random.Random) -> Metrics:
    return Metrics(time=time.time(), step=step, values=row(step, 40, rng).values)


def at_rest(folder: Path) -> None:
    finished = folder / "finished"
    log = a_log(finished, 10_000, 40)
    append(log, RunEnded(time=10_000.0, step=10_000))
    terminal = Terminal(finished)
    terminal.read(WARM)
    bytes_, cpu = terminal.measured(LOOK)
    print(f"finished run at rest       {bytes_:7.1f} B/s   {cpu:5.2f} % of a core", flush=True)
    print(f"memory on 10k rows x 40    {terminal.process.memory_info().rss / 1e6:7.0f} MB", flush=True)
    terminal.press(b" ")
    terminal.read(1.0)
    bytes_, cpu = terminal.measured(LOOK)
    print(f"paused                     {bytes_:7.1f} B/s   {cpu:5.2f} % of a core", flush=True)
    terminal.close()


def alive(folder: Path) -> None:
    live, rng = folder / "live", random.Random(1)
    log = a_log(live, 0, 40)
    append(
        log,
        *(Metrics(time=time.time() - 60 + step * 0.1, step=step, values=row(step, 40, rng).values) for step in range(1, 500)),
    )
    terminal = Terminal(live)
    terminal.read(WARM)
    step = 500
    bytes_, cpu = terminal.measured(LOOK, lambda: append(log, Heartbeat(time=time.time(), step=499)))
    print(f"live run, nothing new      {bytes_:7.1f} B/s   {cpu:5.2f} % of a core", flush=True)

    def one_more() -> None:
        nonlocal step
        append(log, now_row(step, rng))
        step += 1

    bytes_, cpu = terminal.measured(LOOK, one_more)
    print(f"one row a second           {bytes_:7.1f} B/s   {cpu:5.2f} % of a core", flush=True)
    delays = []
    for _ in range(KEYS):
        terminal.read(0.3 + rng.random())
        begin = time.perf_counter()
        append(log, now_row(step, rng))
        sign = f"{step}".encode()
        step += 1
        terminal.read(5.0, lambda seen, sign=sign: sign in seen)  # type: ignore[misc]
        delays.append(time.perf_counter() - begin)
    print(f"row appended -> on screen  {statistics.median(delays) * 1e3:7.0f} ms median   (a look every 1,000 ms)", flush=True)
    terminal.close()


def while_loading(folder: Path, rows: int) -> None:
    long = folder / "long"
    a_log(long, rows, 10)
    terminal = Terminal(long)
    terminal.read(PATIENCE, lambda seen: b"whole run" in seen)
    answers = []
    for _ in range(KEYS):
        begin = time.perf_counter()
        terminal.press(b"?")
        terminal.read(5.0, lambda seen: b"Signs" in seen)
        answers.append(time.perf_counter() - begin)
        terminal.read(0.2)
        terminal.press(b"\x1b")  # not measured: Textual takes 0.1 s to tell a lone Esc from the beginning of an arrow's bytes
        terminal.read(0.3)
    print(
        f"a key while {rows:,} rows load {statistics.median(answers) * 1e3:5.0f} ms median, {max(answers) * 1e3:.0f} ms worst",
        flush=True,
    )
    terminal.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        at_rest(Path(folder))
        alive(Path(folder))
        while_loading(Path(folder), int(os.environ.get("RLDK_BENCH_ROWS", "200000")))


if __name__ == "__main__":
    main()
