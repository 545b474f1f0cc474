"""What a look at a run costs: the first one, an idle one, and one that brings a row, on a short and on a long history."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.logs import a_log, append, row
from rldk_tui.session import RunSession

LOOKS = 41
SHORT, LONG, WIDTH = 1_000, 1_000_000, 10


def milliseconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1e3


def looks(rows: int, width: int, folder: Path) -> tuple[float, float, float]:
    """First look, idle look and look that brings a row (medians), in milliseconds."""
    log = a_log(folder / str(rows), rows, width)
    session = RunSession(folder / str(rows))
    rng = random.Random(1)
    first = milliseconds(session.poll)
    session.poll()
    idle = statistics.median(milliseconds(session.poll) for _ in range(LOOKS))
    taken = []
    for step in range(rows + 1, rows + 1 + LOOKS):
        append(log, row(step, width, rng))
        taken.append(milliseconds(session.poll))
    return first, idle, statistics.median(taken)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first, idle, grown = looks(10_000, 40, folder)
        print(f"10k rows x 40 metrics: first look {first:.0f} ms, idle look {idle:.2f} ms, one new row {grown:.2f} ms")
        results = {rows: looks(rows, WIDTH, folder) for rows in (SHORT, LONG)}
        for rows, (first, idle, grown) in results.items():
            print(f"{rows:>9,} rows x {WIDTH}: first look {first:,.0f} ms, idle look {idle:.2f} ms, one new row {grown:.2f} ms")
        print(f"one new row, long against short history: {results[LONG][2] / results[SHORT][2]:.2f} x")


if __name__ == "__main__":
    main()
