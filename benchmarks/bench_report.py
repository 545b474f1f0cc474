"""What a report costs: time of each file, memory and size, of 10,000 steps with 10,000 completions, and of a million rows."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from benchmarks.logs import NAMES, a_log

STEPS, WIDTH, COMPLETIONS, A_STEP = 10_000, 40, 10_000, 64
WORDS = ("river", "stone", "answer", "seven", "because", "light", "therefore", "box")


def generations(run: Path, rng: random.Random) -> None:
    """10,000 completions of 60 words over the run, as TRL writes them."""
    folder = run / "completions"
    folder.mkdir()
    for index in range(COMPLETIONS // A_STEP):
        step = (index + 1) * (STEPS // (COMPLETIONS // A_STEP))
        texts = [" ".join(rng.choices(WORDS, k=60)) for _ in range(A_STEP)]
        table = {
            "step": [step] * A_STEP,
            "prompt": [f"Question {place // 8}?" for place in range(A_STEP)],
            "completion": texts,
            "reward": [rng.gauss(0.0, 1.0) for _ in texts],
        }
        pl.DataFrame(table).write_parquet(folder / f"completions_{step:05d}.parquet")


def measured(*command: str) -> tuple[float, float]:
    """Seconds, and the most memory in MiB, of a command in a process of its own."""
    code = (
        "import json, resource, subprocess, sys, time; begin = time.perf_counter(); "
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
        "print(json.dumps([time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024]))"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], check=True, capture_output=True, text=True)
    seconds, memory = json.loads(done.stdout)
    return seconds, memory


def told(what: str, folder: Path, *command: str) -> None:
    seconds, memory = measured(sys.executable, "-m", "rldk_tui.cli", *command)
    sizes = ", ".join(f"{path.name} {path.stat().st_size / 1024:,.0f} KiB" for path in sorted(folder.iterdir()))
    print(f"{what}: {seconds:.1f} s, {memory:,.0f} MiB; {sizes}", flush=True)


def read_by_polars(log: Path) -> float:
    begin = time.perf_counter()
    pl.read_ndjson(log)
    return time.perf_counter() - begin


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        run, out = Path(name) / "run", Path(name) / "out"
        a_log(run, STEPS, WIDTH)
        generations(run, random.Random(1))
        told("10k steps x 40 metrics, 10k completions, HTML + JSON", out, "report", str(run), "-o", str(out))
        told("the same, and the PDF", out, "report", str(run), "-o", str(out), "--pdf")
        other, many = Path(name) / "other", Path(name) / "many"
        log = a_log(other, 1_000_000, len(NAMES[:10]))
        print(f"1M rows x 10 metrics: polars reads the log in {read_by_polars(log):.1f} s", flush=True)
        told("its HTML + JSON", many, "report", str(other), "-o", str(many))


if __name__ == "__main__":
    main()
