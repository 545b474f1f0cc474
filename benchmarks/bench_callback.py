"""What the callback costs a training: a step's heartbeat and its log of some 28 metrics, beside plain JSON lines.

    python -m benchmarks.bench_callback

Measured twice: back to back, where every cache is warm, and inside a real GRPO training, where the training has just
emptied them. The second is what a user pays.
"""

from __future__ import annotations

import contextlib
import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from transformers.trainer_callback import TrainerCallback

from rldk_tui.integrations.trl import RLDKCallback
from sample_runs.tiny_models import build, work_alone
from sample_runs.trainings import common_arguments, train_grpo

ROUNDS = 5000
TRAINING_STEPS = 150
LIMIT = 100
"""Microseconds a step, median, on a real row of logs."""


class PlainJson(TrainerCallback):  # type: ignore[misc] # transformers is not followed by the type checker
    """The least a hand-written logger does."""

    def __init__(self, path: Path) -> None:
        self.log = path.open("w")

    def on_log(self, _args: Any, state: Any, _control: Any, logs: Any = None, **_: Any) -> None:
        self.log.write(json.dumps({"time": time.time(), "step": state.global_step, **logs}) + "\n")
        self.log.flush()


def timed(callback: Any, *events: str) -> dict[str, list[float]]:
    """Microseconds of each call, by event; the callback's own methods are wrapped in place."""
    taken: dict[str, list[float]] = {event: [] for event in events}

    def wrapped(event: str, method: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: Any, **named: Any) -> None:
            begin = time.perf_counter_ns()
            method(*arguments, **named)
            taken[event].append((time.perf_counter_ns() - begin) / 1000)

        return call

    for event in events:
        setattr(callback, event, wrapped(event, getattr(callback, event)))
    return taken


def told(name: str, taken: list[float]) -> float:
    median, ordered = statistics.median(taken), sorted(taken)
    print(f"  {name:<36} median {median:7.1f} µs   p99 {ordered[int(len(ordered) * 0.99)]:7.1f} µs")
    return median


def back_to_back(folder: Path, logs: dict[str, Any]) -> float:
    """The median cost of a step."""
    args = SimpleNamespace(output_dir=str(folder / "warm"), to_dict=dict)
    state = SimpleNamespace(global_step=0, max_steps=0, is_world_process_zero=True, is_local_process_zero=True)
    ours, plain = RLDKCallback(), PlainJson(folder / "warm.jsonl")
    times, plain_times = timed(ours, "on_step_end", "on_log"), timed(plain, "on_log")
    ours.on_train_begin(args, state, None)
    for state.global_step in range(ROUNDS):
        ours.on_step_end(args, state, None)
        ours.on_log(args, state, None, logs=logs)
        plain.on_log(args, state, None, logs=logs)
    print(f"back to back, {len(logs)} metrics a log, {ROUNDS} rounds")
    spent = told("on_step_end", times["on_step_end"]) + told("on_log", times["on_log"])
    told("json.dumps, one line, flush", plain_times["on_log"])
    return spent


def in_training(folder: Path) -> tuple[dict[str, Any], float, float]:
    """The last row of logs, the median cost of a step, and that of one plain line of JSON."""
    ours, plain = RLDKCallback(), PlainJson(folder / "cold.jsonl")
    times, plain_times = timed(ours, "on_step_end", "on_log"), timed(plain, "on_log")
    arguments = common_arguments(str(folder / "run"), TRAINING_STEPS) | {"save_strategy": "no"}
    with contextlib.redirect_stdout(io.StringIO()):
        trainer = train_grpo(build(), arguments, [ours, plain])
    logs = {key: value for key, value in trainer.state.log_history[-2].items() if key != "step"}
    print(f"in a GRPO training, {len(logs)} metrics a log, {TRAINING_STEPS} steps")
    spent = told("on_step_end, machine every second", times["on_step_end"]) + told("on_log", times["on_log"])
    return logs, spent, told("json.dumps, one line, flush", plain_times["on_log"])


def main() -> None:
    work_alone()
    with tempfile.TemporaryDirectory() as folder:
        logs, cold, plain = in_training(Path(folder))
        spent = back_to_back(Path(folder), logs)
    print(f"{'within' if spent <= LIMIT else 'OVER'} the limit of {LIMIT} µs a step: {spent:.0f} µs")
    print(f"in a training, where every cache is cold: {cold:.0f} µs a step, {cold / plain:.1f} times one plain line of JSON")


if __name__ == "__main__":
    main()
