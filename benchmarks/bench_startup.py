"""Whole processes: what `--help` and `check` cost, beside a bare interpreter."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

RUN = Path(__file__).resolve().parents[1] / "sample_runs" / "grpo-collapsed"
ROUNDS = 7
COMMANDS = {
    "bare interpreter": ["-c", "pass"],
    "rldk --help": ["-c", "from rldk_tui.cli import main; main(['--help'])"],
    "rldk-tui --help": ["-m", "rldk_tui", "--help"],
    "rldk check (120 steps)": ["-c", f"from rldk_tui.cli import main; main(['check', {str(RUN)!r}])"],
    "rldk-tui --once": ["-m", "rldk_tui", str(RUN), "--once"],
}


def milliseconds(arguments: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=False)
    return (time.perf_counter() - begin) * 1e3


def main() -> None:
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, arguments in COMMANDS.items():
            taken[name].append(milliseconds(arguments))
    bare = statistics.median(taken["bare interpreter"])
    for name, times in taken.items():
        print(
            f"{name:<24} median {statistics.median(times):6.0f} ms  {statistics.median(times) / bare:5.1f} x a bare interpreter"
        )


if __name__ == "__main__":
    main()
