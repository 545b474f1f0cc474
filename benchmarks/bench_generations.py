"""What generations cost: a million of 300 tokens read and measured whole, a run opened, one more batch of 64.

Each figure is of a fresh process on this machine as it is; peak memory is of that process. The rows are those of TRL's tables,
64 prompts with 8 replies a step, of words drawn as text draws them (few often, many seldom).
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from rldk_tui.events import SCHEMA_VERSION, SUBFOLDER, Algorithm, Metrics, RunStarted
from rldk_tui.events.writer import EventWriter
from rldk_tui.session import RunSession

ROWS = int(os.environ.get("RLDK_BENCH_GENERATIONS", "1000000"))
STEP = 512
BATCH = 64
OPENED = 100_000
FEW, MANY = 50, 5_000
LOOKS = 11
START = 1.75e9
WORDS_A_SENTENCE, SENTENCES = 12, 19
"""228 words, 300 tokens or so, 1.45 KB."""


class Writer:
    """Writes the tables of steps as TRL does, and a log beside them."""

    def __init__(self, run: Path) -> None:
        self._log = EventWriter(run / SUBFOLDER / "events-rank00000.jsonl")
        self._log.append(RunStarted(time=START, schema_version=SCHEMA_VERSION, run_id="bench", algorithm=Algorithm.GRPO))
        self._folder = run / "completions"
        self._folder.mkdir(parents=True)
        self._rng = np.random.default_rng(0)
        letters = np.array(list("etaoinshrdlucmfwypvbgk"))
        words = ["".join(self._rng.choice(letters, size)) for size in self._rng.integers(2, 10, 8000)]
        frequency = 1.0 / np.arange(3, 8003)
        drawn = self._rng.choice(8000, (20_000, WORDS_A_SENTENCE), p=frequency / frequency.sum())
        self._sentences = np.array([" ".join(words[word] for word in row) + "." for row in drawn], object)

    def step(self, step: int, rows: int) -> None:
        """One step's table."""
        picked = self._sentences[self._rng.integers(0, self._sentences.size, (rows, SENTENCES))]
        reward = self._rng.normal(size=rows).round(3)
        pl.DataFrame(
            {
                "step": np.full(rows, step),
                "prompt": [f"Question {step * rows + row // 8}: {self._sentences[step % 1000]}" for row in range(rows)],
                "completion": [" ".join(sentences) for sentences in picked],
                "accuracy_reward": reward,
                "format_reward": (reward > 0).astype(float),
                "advantage": reward - reward.mean(),
            }
        ).write_parquet(self._folder / f"completions_{step:05d}.parquet", compression="snappy")
        values: dict[str, float | None] = {"reward": float(reward.mean()), "reward_std": float(reward.std()), "loss": 0.1}
        self._log.append(Metrics(time=START + step, step=step, values=values))


def milliseconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1e3


def read_whole(run: Path) -> dict[str, Any]:
    """Every generation read, measured and judged."""
    session = RunSession(run)
    took = milliseconds(session.poll)
    health = session.poll()
    return {"ms": took, "rows": sum(logged.count for logged in health.snapshot.generations)}


def opened(run: Path) -> dict[str, Any]:
    """The first look at a run, and how many of its generations it read."""
    session = RunSession(run)
    begin = time.perf_counter()
    health = session.poll(whole=False)
    first = (time.perf_counter() - begin) * 1e3
    rows = sum(logged.count for logged in health.snapshot.generations)
    while health.more:
        health = session.poll(whole=False)
    return {"ms": first, "rows": rows, "all_ms": (time.perf_counter() - begin) * 1e3}


def grown(run: Path, writer: Writer, steps: int) -> tuple[float, float]:
    """The median look that brings one more batch, in milliseconds of time and of CPU."""
    session = RunSession(run)
    session.poll()
    session.poll()
    looks, cpu = [], []
    for step in range(steps + 1, steps + 1 + LOOKS):
        writer.step(step, BATCH)
        before = time.process_time()
        looks.append(milliseconds(session.poll))
        cpu.append((time.process_time() - before) * 1e3)
    return statistics.median(looks), statistics.median(cpu)


def in_a_fresh_process(work: str, run: Path) -> dict[str, Any]:
    """What a function of this module returns there, with the process's peak memory in MiB."""
    code = f"from benchmarks.bench_generations import told, {work}; from pathlib import Path; told({work}(Path({str(run)!r})))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def told(result: dict[str, Any]) -> None:
    """For the process that asked."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({**result, "mib": spent.ru_maxrss / 1024, "cpu": spent.ru_utime + spent.ru_stime}))


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        writer = Writer(folder / "whole")
        for step in range(1, ROWS // STEP + 1):
            writer.step(step, STEP)
        whole = in_a_fresh_process("read_whole", folder / "whole")
        print(
            f"{whole['rows']:,} generations read and measured: {whole['ms'] / 1e3:.1f} s, "
            f"{whole['cpu']:.1f} s of CPU, peak {whole['mib']:.0f} MiB"
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        writer = Writer(folder / "opened")
        for step in range(1, OPENED // BATCH + 1):
            writer.step(step, BATCH)
        first = in_a_fresh_process("opened", folder / "opened")
        print(
            f"{OPENED:,} generations opened: first look {first['ms']:.0f} ms ({first['rows']:,} read), "
            f"all {first['all_ms'] / 1e3:.1f} s, {first['cpu']:.1f} s of CPU, peak {first['mib']:.0f} MiB"
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        costs = {}
        for steps in (FEW, MANY):
            writer = Writer(folder / str(steps))
            for step in range(1, steps + 1):
                writer.step(step, BATCH if steps == FEW else 8)
            costs[steps] = grown(folder / str(steps), writer, steps)
        for steps, (took, cpu) in costs.items():
            print(f"one more batch of {BATCH} after {steps:,} files: {took:.1f} ms, {cpu:.1f} ms of CPU")
    print("load of the machine, 1 and 5 minutes: {:.1f} {:.1f}".format(*os.getloadavg()))


if __name__ == "__main__":
    main()
