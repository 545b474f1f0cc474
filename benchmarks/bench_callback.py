"""What the callback costs a training: one log of 28 GRPO metrics and one step, beside plain JSON lines.

    python benchmarks/bench_callback.py

Steps are paced, because a training's caches are cold when the callback runs; "paced" is the honest figure.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

from rldk_tui.integrations.trl import RLDKCallback

RUN = Path(__file__).resolve().parents[1] / "sample_runs" / "grpo-healthy" / "trainer_state.json"
ROUNDS = 2000
PACED_ROUNDS = 300
PACE = 0.02
LIMIT_MICROSECONDS = 100


def microseconds(work: Callable[[int], None], rounds: int, pause: float) -> list[float]:
    """Each round's time."""
    taken = []
    for step in range(rounds):
        time.sleep(pause)
        begin = time.perf_counter_ns()
        work(step)
        taken.append((time.perf_counter_ns() - begin) / 1000)
    return taken


def told(name: str, taken: list[float]) -> float:
    median, ordered = statistics.median(taken), sorted(taken)
    print(f"{name:<44} median {median:7.1f} µs   p99 {ordered[int(len(ordered) * 0.99)]:7.1f} µs   max {ordered[-1]:8.1f} µs")
    return median


def json_lines(log: TextIO, logs: dict[str, Any]) -> Callable[[int], None]:
    def write(step: int) -> None:
        log.write(json.dumps({"time": time.time(), "step": step, **logs}) + "\n")
        log.flush()

    return write


def callback(run: Path, logs: dict[str, Any], interval: float) -> Callable[[int], None]:
    args = SimpleNamespace(output_dir=str(run), to_dict=dict)
    state = SimpleNamespace(global_step=0, max_steps=0, is_world_process_zero=True, is_local_process_zero=True)
    watcher = RLDKCallback(system_interval=interval)
    watcher.on_train_begin(args, state, None)

    def step(number: int) -> None:
        state.global_step = number
        watcher.on_step_end(args, state, None, model=None)
        watcher.on_log(args, state, None, logs=logs, model=None)

    return step


def main() -> None:
    entry = json.loads(RUN.read_text())["log_history"][5]
    logs = {key: value for key, value in entry.items() if key != "step"}
    print(f"{len(logs)} metrics a log")
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "plain.jsonl").open("w") as plain:
        pieces = {
            "json.dumps, one line, flush": json_lines(plain, logs),
            "callback: on_step_end + on_log": callback(Path(folder) / "a", logs, interval=1e9),
            "callback, machine measured every second": callback(Path(folder) / "b", logs, interval=1.0),
            "callback, machine measured at every step": callback(Path(folder) / "c", logs, interval=0.0),
        }
        for name, piece in pieces.items():
            told(f"{name} (back to back)", microseconds(piece, ROUNDS, 0.0))
        paced = {name: told(f"{name} (paced)", microseconds(piece, PACED_ROUNDS, PACE)) for name, piece in pieces.items()}
    spent = paced["callback, machine measured every second"]
    print(f"{'within' if spent <= LIMIT_MICROSECONDS else 'OVER'} the limit of {LIMIT_MICROSECONDS} µs a step: {spent:.1f} µs")


if __name__ == "__main__":
    main()
