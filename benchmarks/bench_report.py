"""What a report costs: time, memory and size, of 10,000 steps with completions and checkpoints, and of a million rows."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from benchmarks.bench_checkpoints import write
from benchmarks.logs import NAMES, a_log
from rldk_tui.checkpoints.tensors import DType

STEPS, WIDTH, COMPLETIONS, A_STEP = 10_000, 40, 10_000, 64
CHECKPOINTS, CHECKPOINT_SIZE = (2000, 6000, 10_000), 1 << 26
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


def checkpoints(run: Path) -> None:
    """Three of 64 MiB, which the report has analysed."""
    for place, step in enumerate(CHECKPOINTS):
        folder = run / f"checkpoint-{step}"
        folder.mkdir()
        write(folder / "model.safetensors", place, DType.F32, CHECKPOINT_SIZE)
        (folder / "config.json").write_text('{"model_type": "bench"}')


def measured(*command: str) -> tuple[float, float, float]:
    """Seconds, seconds of CPU, and the most memory in MiB, of a command in a process of its own."""
    code = (
        "import json, resource, subprocess, sys, time; begin = time.perf_counter(); "
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
        "end, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(json.dumps([end - begin, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], check=True, capture_output=True, text=True)
    seconds, cpu, memory = json.loads(done.stdout)
    return seconds, cpu, memory


def told(what: str, folder: Path, *command: str) -> None:
    seconds, cpu, memory = measured(sys.executable, "-m", "rldk_tui.cli", *command)
    sizes = ", ".join(f"{path.name} {path.stat().st_size / 1024:,.0f} KiB" for path in sorted(folder.iterdir()))
    print(f"{what}: {seconds:.1f} s ({cpu:.1f} s of CPU), {memory:,.0f} MiB; {sizes}", flush=True)


def read_by_polars(log: Path) -> float:
    begin = time.perf_counter()
    pl.read_ndjson(log)
    return time.perf_counter() - begin


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        run, out = Path(name) / "run", Path(name) / "out"
        a_log(run, STEPS, WIDTH)
        generations(run, random.Random(1))
        checkpoints(run)
        told("10k steps x 40 metrics, 10k completions, 3 checkpoints, HTML + JSON", out, "report", str(run), "-o", str(out))
        told("the same, and the PDF", out, "report", str(run), "-o", str(out), "--pdf")
        other, many = Path(name) / "other", Path(name) / "many"
        log = a_log(other, 1_000_000, len(NAMES[:10]))
        print(f"1M rows x 10 metrics: polars reads the log in {read_by_polars(log):.1f} s", flush=True)
        told("its HTML + JSON", many, "report", str(other), "-o", str(many))


if __name__ == "__main__":
    main()
