"""What reading a checkpoint costs: statistics and change of a tensor against a bare sum over the same mapped file.

The file is in the page cache; both cores are used. Each round measures everything once, so a slower machine slows all of it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from rldk_tui.checkpoints.kernels import change, moments
from rldk_tui.checkpoints.tensors import DType

ROUNDS, COLUMNS, SIZE, LARGE = 7, 4096, 1 << 30, 4 << 30
_SPARE = 1 << 30
_MEMORY = """
import re, sys, threading, time
from pathlib import Path
import numpy as np
from rldk_tui.checkpoints.kernels import moments
from rldk_tui.checkpoints.tensors import DType

def held():
    return int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

dtype, peak, done = DType(sys.argv[2]), [0.0], threading.Event()
def watch():
    while not done.wait(0.005):
        peak[0] = max(peak[0], held())
thread = threading.Thread(target=watch)
thread.start()
numbers = np.memmap(sys.argv[1], dtype.storage, "r")
begin = time.perf_counter()
moments(numbers, dtype, numbers.size // 4096)
print(f"{dtype.value}: {peak[0]:.0f} MB at most, {time.perf_counter() - begin:.1f} s from a cold start")
done.set()
thread.join()
"""


def write(path: Path, seed: int, dtype: DType, size: int = SIZE) -> NDArray[np.generic]:
    """A file of normally distributed weights, mapped; the same block over and over, each time a little larger."""
    block = 0.02 * np.random.default_rng(0).standard_normal(1 << 24, np.float32)
    with path.open("wb") as out:
        while out.tell() < size:
            block *= np.float32(1 + seed / 10_000)
            out.write(block if dtype is DType.F32 else (block.view(np.uint32) >> 16).astype(np.uint16))
    return np.memmap(path, dtype.storage, "r")


def bare(numbers: NDArray[np.generic]) -> None:
    """Sum the bytes as float32, half of them in each of two threads."""
    half = numbers.view(np.float32).size // 2
    with np.errstate(all="ignore"), ThreadPoolExecutor(2) as pool:
        list(pool.map(np.sum, (numbers.view(np.float32)[:half], numbers.view(np.float32)[half:])))


def measure(jobs: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of each, after one round that compiles and warms up."""
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(ROUNDS + 1):
        for name, job in jobs.items():
            begin = time.perf_counter()
            job()
            taken[name].append(time.perf_counter() - begin)
    return {name: median(seconds[1:]) for name, seconds in taken.items()}


def speed(folder: Path, dtype: DType) -> None:
    before, after = write(folder / "before", 1, dtype), write(folder / "after", 2, dtype)
    rows = before.size // COLUMNS
    seconds = measure(
        {
            "bare sum": lambda: bare(before),
            "moments numba": lambda: moments(before, dtype, rows, backend="numba"),
            "moments numpy": lambda: moments(before, dtype, rows, backend="numpy"),
            "change numba": lambda: change(before, dtype, after, dtype, backend="numba"),
        }
    )
    reference = before.nbytes / seconds["bare sum"] / 1e9
    for name, taken in seconds.items():
        read = before.nbytes * (2 if name.startswith("change") else 1) / taken / 1e9
        print(f"{dtype.value:5} {name:14} {read:6.1f} GB/s  {read / reference:6.0%} of the bare sum's speed")
    times = seconds["change numba"] / seconds["moments numba"]
    print(f"{dtype.value:5} change takes {times:.1f} times one analysis (bar: 2.5)")


def memory(folder: Path, dtype: DType) -> None:
    (folder / "after").unlink(missing_ok=True)
    write(folder / "before", 0, dtype, LARGE)
    ran = subprocess.run(
        [sys.executable, "-c", _MEMORY, str(folder / "before"), dtype.value], capture_output=True, text=True, check=True
    )
    print(f"anonymous memory for a 4 GB file (bar: 300 MB), {ran.stdout.strip()}")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for dtype in (DType.F32, DType.BF16):
            speed(folder, dtype)
        if shutil.disk_usage(folder).free < LARGE + _SPARE:
            print("no room on the disk for a 4 GB file: peak memory not measured")
            return
        for dtype in (DType.F32, DType.BF16):
            memory(folder, dtype)


if __name__ == "__main__":
    main()
