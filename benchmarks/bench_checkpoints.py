"""What reading a checkpoint costs: statistics and change of a tensor against a bare sum over the same mapped file.

The file is in the page cache; both cores are used. Each round measures everything once, so a slower machine slows all of it.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from rldk_tui.checkpoints.kernels import change, moments
from rldk_tui.checkpoints.safetensors_file import read_safetensors
from rldk_tui.checkpoints.tensor_reader import TensorReader
from rldk_tui.checkpoints.tensors import DType, StoredTensor

ROUNDS, COLUMNS, SIZE, LARGE = 7, 4096, 1 << 30, 4 << 30
_SPARE = 1 << 30
_MEMORY = """
import io, re, sys, threading, time
from contextlib import redirect_stdout
from pathlib import Path
begin = time.perf_counter()
from rldk_tui.cli import main

def held():
    return int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1000

peak, done = [0.0], threading.Event()
def watch():
    while not done.wait(0.005):
        peak[0] = max(peak[0], held())
thread = threading.Thread(target=watch)
thread.start()
with redirect_stdout(io.StringIO()):
    status = main(["checkpoints", sys.argv[1]])
taken = time.perf_counter() - begin
done.set()
thread.join()
loaded = "torch imported" if "torch" in sys.modules else "no torch"
print(f"{peak[0]:.0f} MB at most, {taken:.1f} s from a cold start, {loaded}, status {status}")
"""


def write(path: Path, seed: int, dtype: DType, size: int = SIZE) -> StoredTensor:
    """A safetensors file of one matrix of normally distributed weights; the same block over and over, a little larger."""
    block = 0.02 * np.random.default_rng(0).standard_normal(1 << 24, np.float32)
    shape = [size // dtype.storage.itemsize // COLUMNS, COLUMNS]
    header = json.dumps({"weight": {"dtype": dtype.value, "shape": shape, "data_offsets": [0, size]}})
    header += " " * (-len(header) % 64 + 56)  # the numbers begin at a multiple of 64
    with path.open("wb") as out:
        out.write(struct.pack("<Q", len(header)) + header.encode())
        while out.tell() < size:
            block *= np.float32(1 + seed / 10_000)
            out.write((block if dtype is DType.F32 else (block.view(np.uint32) >> 16).astype(np.uint16)).tobytes())
    (tensor,), _ = read_safetensors(path, path.name)
    return tensor


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
    """Both backends against a bare sum; the readers' ways to the numbers: a map, and copies where there is no lease."""
    old, new = write(folder / "before.safetensors", 1, dtype), write(folder / "after.safetensors", 2, dtype)
    before, after = mapped(old), mapped(new)
    seconds = measure(
        {
            "bare sum": lambda: bare(before),
            "moments numba": lambda: moments(before, dtype, old.rows, backend="numba"),
            "moments numpy": lambda: moments(before, dtype, old.rows, backend="numpy"),
            "change numba": lambda: change(before, dtype, after, dtype, backend="numba"),
            "read, mapped": lambda: read(old),
            "read, copied": lambda: read(old, lease=False),
        }
    )
    reference = old.size / seconds["bare sum"] / 1e9
    for name, taken in seconds.items():
        speed_of_it = old.size * (2 if name.startswith("change") else 1) / taken / 1e9
        print(f"{dtype.value:5} {name:14} {speed_of_it:6.1f} GB/s  {speed_of_it / reference:6.0%} of the bare sum's speed")
    times = seconds["change numba"] / seconds["moments numba"]
    print(f"{dtype.value:5} change takes {times:.1f} times one analysis (bar: 2.5)")


def mapped(tensor: StoredTensor) -> NDArray[np.generic]:
    """Its numbers, mapped for as long as the benchmark runs."""
    return np.memmap(tensor.stretch.path, tensor.dtype.storage, "r", tensor.stretch.offset, (tensor.count,))


def read(tensor: StoredTensor, *, lease: bool = True) -> None:
    """Measure it as an analysis does; there is no lease while the file is open for writing."""
    with nullcontext() if lease else tensor.stretch.path.open("r+b"), TensorReader() as reader:
        moments(reader.numbers(tensor), tensor.dtype, tensor.rows)


def memory(folder: Path, dtype: DType) -> None:
    """Of the command line, in a process of its own."""
    for file in folder.iterdir():
        file.unlink()
    write(folder / "model.safetensors", 0, dtype, LARGE)
    ran = subprocess.run([sys.executable, "-c", _MEMORY, str(folder)], capture_output=True, text=True, check=True)
    print(f"anonymous memory for a 4 GB file of {dtype.value} (bar: 300 MB): {ran.stdout.strip()}")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        for dtype in (DType.F32, DType.BF16):
            speed(folder, dtype)
        if shutil.disk_usage(folder).free < LARGE + _SPARE:
            print("no room on the disk for a 4 GB file: peak memory not measured")
            return
        for dtype in (DType.F32, DType.BF16):
            memory(folder, dtype)


if __name__ == "__main__":
    main()
