"""What the rules cost: all of them over a million rows at once, and the dearest of them by name."""

from __future__ import annotations

import time
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from benchmarks.logs import NAMES
from rldk_tui.diagnosis.catalogue import load_rules
from rldk_tui.diagnosis.engine import Engine
from rldk_tui.events import Algorithm
from rldk_tui.run import Column, Rows, RunInfo, RunSnapshot, RunStore, Segment

ROWS, DEAREST = 1_000_000, 8
_FINITE = 1 << 4 | 12


def a_snapshot(rows: int, width: int = len(NAMES)) -> RunSnapshot:
    """A finished GRPO run of that many rows, without reading a file."""
    rng = np.random.default_rng(0)
    codes = np.full(rows, _FINITE, np.uint8)
    columns = {name: Column(0.1 + 0.2 * rng.random(rows), codes) for name in NAMES[:width]}
    steps = np.arange(1, rows + 1, dtype=np.int64)
    table = Rows(steps, steps.astype(np.float64), MappingProxyType(columns))
    info = RunInfo(algorithm=Algorithm.GRPO, max_steps=rows)
    segment = Segment(key="bench", info=info, rows=table, settled=rows - 1, revision=0, version=1, ended="finished")
    store = RunStore("bench")
    empty = store.snapshot(float(rows), (), store.pulse(process_alive=None))
    return replace(empty, info=info, segments=(segment,), step=rows)


def main() -> None:
    snapshot = a_snapshot(ROWS)
    begin = time.perf_counter()
    diagnosis = Engine().diagnose(snapshot)
    whole = time.perf_counter() - begin
    print(f"{len(diagnosis.evaluated)} rules over {ROWS:,} rows x {len(NAMES)} metrics: {whole:.1f} s")
    taken = []
    for rule in load_rules():
        if rule.id in diagnosis.evaluated:
            begin = time.perf_counter()
            Engine([rule]).diagnose(snapshot)
            taken.append((time.perf_counter() - begin, rule.id))
    dearest = sorted(taken, reverse=True)[:DEAREST]
    print("  the dearest: " + ", ".join(f"{name} {seconds:.2f} s" for seconds, name in dearest))


if __name__ == "__main__":
    main()
