"""`make soak`: the monitor beside a run that grows for ten minutes (RLDK_SOAK_MINUTES), with keys pressed all the while.

Memory, open files and threads must stay where they are once it is warm; what it writes must not grow with the run.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.bench_terminal import Terminal, now_row
from benchmarks.logs import a_log, append
from rldk_tui.events import Completion, Completions

MINUTES = float(os.environ.get("RLDK_SOAK_MINUTES", "10"))
ROWS_A_SECOND = 10
KEYS = (
    b"1",
    b"\r",
    b"+",
    b"\x1b[D",
    b"\x1b[A",
    b"0",
    b"\x1b",
    b"2",
    b"\r",
    b"]",
    b"\x1b",
    b"5",
    b"\x1b",
    b"w",
    b"\x1b",
    b"3",
    b"0",
    b"u",
    b"\x1b",
)
GROWTH = 1.10
"""Of memory, from the first third of the time to the last."""


def texts(step: int, rng: random.Random) -> Completions:
    rows = tuple(
        Completion(prompt=f"prompt {number % 4}", completion="word " * rng.randrange(5, 60), rewards={"r": rng.random()})
        for number in range(16)
    )
    return Completions(time=time.time(), step=step, rows=rows)


def main() -> int:
    rng, samples = random.Random(0), []
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        log = a_log(run, 0, 40)
        terminal = Terminal(run)
        begin, step = time.monotonic(), 0
        while (gone := time.monotonic() - begin) < 60 * MINUTES:
            for _ in range(ROWS_A_SECOND):
                step += 1
                append(log, now_row(step, rng), *([texts(step, rng)] if step % 20 == 0 else []))
            terminal.press(KEYS[int(gone) % len(KEYS)])
            written = len(terminal.read(1.0))
            process = terminal.process
            samples.append((process.memory_info().rss / 1e6, process.num_fds(), process.num_threads(), written))
            if len(samples) % 60 == 0:
                told = " ".join(
                    f"{name} {value:,.0f}" for name, value in zip(("MB", "files", "threads", "B"), samples[-1], strict=True)
                )
                print(f"{gone / 60:4.1f} min  step {step:6,}  {told}", flush=True)
        terminal.close()
    third = len(samples) // 3
    first, last = (
        [statistics.median(sample[at] for sample in part) for at in range(4)]
        for part in (samples[third : 2 * third], samples[-third:])
    )
    for name, before, after in zip(("MB", "files", "threads", "B/s"), first, last, strict=True):
        print(f"{name:8} {before:8,.0f} -> {after:8,.0f}")
    fine = last[0] <= GROWTH * first[0] and last[1] <= first[1] + 2 and last[2] <= first[2] + 1
    print("flat" if fine else "NOT FLAT")
    return int(not fine)


if __name__ == "__main__":
    sys.exit(main())
