"""W&B LEET beside the monitor, each in a pseudo-terminal of 120 × 36 on a run of 10,000 rows × 40 metrics (or
`RLDK_BENCH_ROWS`): until all is shown.

Needs `wandb` (0.31 or newer) on the path, or at `RLDK_BENCH_WANDB`; it is no dependency of the project. All is taken as shown
when the command and its children have used less than a twentieth of a core for two seconds.
"""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

import psutil

from benchmarks.bench_reading import an_event_file
from benchmarks.logs import a_log

ROWS = int(os.environ.get("RLDK_BENCH_ROWS", "10000"))
WIDTH, ROUNDS = 40, 3
QUIET_SECONDS, QUIET_SHARE, PATIENCE = 2.0, 0.05, 120.0
OFFLINE_RUN = """
import random, sys, wandb
rng = random.Random(0)
run = wandb.init(project="bench", dir=sys.argv[1])
names = [f"train/metric_{number}" for number in range(int(sys.argv[3]))]
for step in range(int(sys.argv[2])):
    run.log({name: 0.1 + 0.2 * rng.random() for name in names}, step=step)
run.finish()
"""


def cpu_seconds(process: psutil.Process) -> float:
    """Of a process and its children, those that ended included."""
    total = 0.0
    for member in (process, *process.children(recursive=True)):
        try:
            times = member.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + (times.children_user + times.children_system)
    return total


def until_quiet(command: list[str], folder: Path) -> tuple[float, float]:
    """Seconds of time and of CPU until a command that draws on a terminal has nothing more to do."""
    controller, terminal = pty.openpty()
    ioctl(terminal, TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "WANDB_MODE": "offline"}
    begin = time.perf_counter()
    child = subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True, env=environment, cwd=folder
    )
    os.close(terminal)
    process, seen = psutil.Process(child.pid), [(0.0, 0.0)]
    try:
        while time.perf_counter() - begin < PATIENCE:
            if select.select([controller], [], [], 0.05)[0]:
                answer = os.read(controller, 1 << 16)
                if b"\x1b[6n" in answer:  # where is the cursor: a terminal would tell
                    os.write(controller, b"\x1b[1;1R")
            now = time.perf_counter() - begin
            seen.append((now, cpu_seconds(process)))
            earlier = [known for known in seen if known[0] <= now - QUIET_SECONDS]
            if earlier and seen[-1][1] > 0.2 and seen[-1][1] - earlier[-1][1] < QUIET_SHARE * QUIET_SECONDS:
                return earlier[-1]
        return seen[-1]
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        os.close(controller)


def main() -> None:
    wandb = os.environ.get("RLDK_BENCH_WANDB") or shutil.which("wandb")
    if wandb is None:
        print("wandb is not on the path: nothing to compare with")
        return
    python = Path(wandb).parent / "python"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= {"XDG_STATE_HOME": f"{name}/state", "XDG_CACHE_HOME": f"{name}/cache", "WANDB_SILENT": "true"}
        offline = {**os.environ, "WANDB_MODE": "offline"}
        subprocess.run([python, "-c", OFFLINE_RUN, name, str(ROWS), str(WIDTH)], check=True, env=offline, capture_output=True)
        (theirs,) = (folder / "wandb").glob("offline-run-*")
        a_log(folder / "jsonl", ROWS, WIDTH)
        an_event_file(folder / "tfevents", ROWS, WIDTH)
        monitor = [sys.executable, "-m", "rldk_tui"]
        commands = {
            "LEET, .wandb": [wandb, "leet", str(theirs)],
            "ours, the same .wandb": [*monitor, str(theirs)],
            "ours, JSONL": [*monitor, str(folder / "jsonl")],
            "ours, tfevents": [*monitor, str(folder / "tfevents")],
        }
        rounds = {what: [until_quiet(command, folder) for _ in range(ROUNDS)] for what, command in commands.items()}
        reference = {}
        for what, taken in rounds.items():
            wall, cpu = (statistics.median(column) for column in zip(*taken, strict=True))
            reference = reference or {"wall": wall, "cpu": cpu}
            ratios = f"{reference['wall'] / wall:.1f} x sooner, {reference['cpu'] / cpu:.1f} x less CPU"
            print(f"{what:<24} all shown after {wall:6.2f} s, {cpu:6.2f} s of CPU   {ratios}")


if __name__ == "__main__":
    main()
