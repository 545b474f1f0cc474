"""Makes event logs of any size for the benchmarks."""

from __future__ import annotations

import random
from pathlib import Path

from rldk_tui.events import Algorithm, Event, Metrics, RunStarted, encode_line, event_log_name

NAMES = (
    "reward",
    "kl",
    "entropy",
    "completions/mean_length",
    "completions/clipped_ratio",
    "frac_reward_zero_std",
    "grad_norm",
    "loss",
    "learning_rate",
    "reward_std",
    *(f"custom/{number}" for number in range(30)),
)


def start(rows: int) -> RunStarted:
    return RunStarted(time=0.0, schema_version=1, run_id="bench", algorithm=Algorithm.GRPO, host="bench", pid=1, max_steps=rows)


def row(step: int, width: int, rng: random.Random) -> Metrics:
    return Metrics(time=float(step), step=step, values={name: 0.1 + 0.2 * rng.random() for name in NAMES[:width]})


def append(log: Path, *events: Event) -> None:
    with log.open("ab") as opened:
        opened.writelines(encode_line(event) for event in events)


def a_log(run: Path, rows: int, width: int) -> Path:
    """Write a run of that many rows of that many metrics; returns its log file."""
    log = run / "rldk" / event_log_name(0)
    log.parent.mkdir(parents=True)
    rng = random.Random(0)
    append(log, start(rows), *(row(step, width, rng) for step in range(1, rows + 1)))
    return log
