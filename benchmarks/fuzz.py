"""Guided garbage for every reader of binary files: no bytes end the process, take long, or take much memory.

`python -m benchmarks.fuzz [READER ...] [--seconds 600]` runs one reader after another, each in a process of its own, because a
library in native code (polars, SQLite) may end the process where Python would raise. atheris (libFuzzer) keeps inputs that
reach new code of ours; readers whose parser is native code get its mutations blindly. What it finds is written to
`.fuzz/<reader>/`, and becomes a test. Checksums are set right before half of the reads, or damage would never come past them.
"""

from __future__ import annotations

import argparse
import io
import os
import struct
import subprocess
import sys
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath

import atheris
import numpy as np

with atheris.instrument_imports(include=["rldk_tui.readers", "rldk_tui.events", "rldk_tui.checkpoints"]):
    from rldk_tui.checkpoints.safetensors_file import read_safetensors
    from rldk_tui.checkpoints.torch_file import load_torch_file, read_torch_weights
    from rldk_tui.events import ReadProblem
    from rldk_tui.readers import (
        DocumentFormat,
        Read,
        StreamFormat,
        completions_parquet,
        decode_safely,
        evaluations_npz,
        flush_safely,
        read_safely,
        tfevents,
        trackio_sqlite,
        wandb_run,
    )
    from rldk_tui.readers._tfevents_scalars import masked_crc

ROOT = Path(__file__).parents[1]
FOUND = ROOT / ".fuzz"
FIXTURES = ROOT / "tests" / "readers" / "fixtures"
LONGEST_MESSAGE = 400
"""Characters of what a person is told of a file, at most."""
LIMITS = ("-rss_limit_mb=2048", "-timeout=20")
"""A single input that takes more than 20 s or 2 GB is a finding."""


@dataclass(frozen=True, slots=True)
class Target:
    """One reader.

    Attributes:
        seeds: What the mutations begin with.
        read: Reads the bytes; raises where it breaks a promise.
        longest: Bytes of an input, at most.
    """

    seeds: Callable[[], list[bytes]]
    read: Callable[[bytes], None]
    longest: int


def of_stream(form: StreamFormat, name: str, mended: Callable[[bytes], bytes]) -> Callable[[bytes], None]:
    """Reads a growing file as it is, and with its checksums set right, whole and in two pieces."""
    path = PurePath(name)

    def told(pieces: list[bytes]) -> list[Read]:
        decoder = form.decoder(path)
        reads = [read for piece in pieces for read in decode_safely(decoder, piece, path)]
        return [*reads, *flush_safely(decoder, path)]

    def read(data: bytes) -> None:
        for log in (data, mended(data)):
            form.claims(path, log[:4096])
            check(told([log]), may_fail=False)
            check(told([log[: len(log) // 3], log[len(log) // 3 :]]), may_fail=False)

    return read


def of_document(form: DocumentFormat, name: str, made: Callable[[bytes], bytes] = bytes) -> Callable[[bytes], None]:
    """Reads a file that is written whole."""
    place = Path(tempfile.mkdtemp(prefix="rldk-fuzz-")) / name

    def read(data: bytes) -> None:
        content = made(data)
        form.claims(PurePath(name), content[:4096])
        place.write_bytes(content)
        check(read_safely(form, place, PurePath(name)), may_fail=True)

    return read


def check(reads: list[Read], *, may_fail: bool) -> None:
    """Problems are short, and a decoder of a stream tells them itself."""
    for read in reads:
        if isinstance(read, ReadProblem):
            assert len(read.message) <= LONGEST_MESSAGE, read.message
            assert may_fail or "could not be read" not in read.message, read.message


def mended_tfevents(data: bytes) -> bytes:
    """The records with lengths that fit and checksums that are right."""
    log, at = bytearray(data), 0
    while at + 16 <= len(log):
        length = min(int.from_bytes(log[at : at + 4], "little"), len(log) - at - 16)
        log[at : at + 8] = length.to_bytes(8, "little")
        log[at + 8 : at + 12] = masked_crc(bytes(log[at : at + 8])).to_bytes(4, "little")
        end = at + 12 + length
        log[end : end + 4] = masked_crc(bytes(log[at + 12 : end])).to_bytes(4, "little")
        at = end + 4
    return bytes(log)


def mended_wandb(data: bytes) -> bytes:
    """The same for the chunks of W&B's file."""
    log, at = bytearray(b":W&B\xe1\xbe\0" + data[7:]), 7
    while at + 7 <= len(log):
        room = min(32768 - at % 32768, len(log) - at)
        if room < 7:
            at += room
            continue
        length = min(struct.unpack_from("<H", log, at + 4)[0], room - 7)
        kind = log[at + 6] if log[at + 6] in (1, 2, 3, 4) else 1
        crc = zlib.crc32(log[at + 7 : at + 7 + length], zlib.crc32(bytes([kind])))
        struct.pack_into("<IHB", log, at, crc, length, kind)
        at += 7 + length
    return bytes(log)


def zipped(data: bytes) -> bytes:
    """An archive as it is; anything else as one of its arrays, so that damage comes past the archive's checksum."""
    if data.startswith(b"PK"):
        return data
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("timesteps.npy", _array(np.arange(3)))
        archive.writestr("results.npy", data)
    return buffer.getvalue()


def _array(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def arrays() -> list[bytes]:
    buffer = io.BytesIO()
    np.savez(buffer, timesteps=np.arange(3), results=np.ones((3, 2)), ep_lengths=np.ones((3, 2), np.int32))
    return [buffer.getvalue(), *map(_array, (np.ones((3, 2)), np.array(["1", "2"]), np.zeros(3, "M8[s]"), np.array([1j])))]


def tables() -> list[bytes]:
    """Generations in the encodings that pandas, pyarrow and polars write."""
    import polars as pl
    import pyarrow as pa
    from pyarrow.parquet import write_table

    texts = ["what is 1+1?", "two", "", None, "two", "fünf"]
    numbers = [1.0, 0.0, None, 0.5, 1.0, float("nan")]
    columns = {"step": [10] * 6, "prompt": texts, "completion": texts, "accuracy": numbers, "advantage": numbers}
    table = pa.table(columns)
    made = []
    ways = [
        {"compression": "snappy"},
        {"compression": None},
        {"compression": None, "use_dictionary": False, "data_page_version": "2.0"},
    ]
    for way in ways:
        buffer = io.BytesIO()
        write_table(table, buffer, store_schema=False, **way)
        made.append(buffer.getvalue())
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_parquet(buffer, compression="zstd")
    return [*made, buffer.getvalue()]


def weights() -> list[bytes]:
    header = (
        b'{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[16,20]}}'
    )
    return [struct.pack("<Q", len(header)) + header + bytes(20)]


def saved() -> list[bytes]:
    import torch

    buffer = io.BytesIO()
    torch.save({"a": torch.ones(3), "b": {"c": torch.arange(4)}, "d": ["text", 1, 2.5]}, buffer)
    return [buffer.getvalue()]


def of_weights(reader: Callable[[Path, str], object]) -> Callable[[bytes], None]:
    place = Path(tempfile.mkdtemp(prefix="rldk-fuzz-")) / "model"

    def read(data: bytes) -> None:
        place.write_bytes(data)
        reader(place, place.name)

    return read


def torch_file(path: Path, name: str) -> None:
    load_torch_file(path, name)
    read_torch_weights(path, name)


def file(pattern: str, most: int | None = None) -> Callable[[], list[bytes]]:
    """The first bytes of a real one."""
    return lambda: [
        next(found for root in (FIXTURES, ROOT / "sample_runs") for found in root.rglob(pattern)).read_bytes()[:most]
    ]


TARGETS: dict[str, Callable[[], Target]] = {
    "tfevents": lambda: Target(
        file("*tfevents*", 6000), of_stream(tfevents.FORMAT, "events.out.tfevents.1.h", mended_tfevents), 12_000
    ),
    "wandb": lambda: Target(file("*.wandb", 8000), of_stream(wandb_run.FORMAT, "run-x.wandb", mended_wandb), 16_000),
    "trackio": lambda: Target(file("*.db"), of_document(trackio_sqlite.FORMAT, "project.db"), 40_000),
    "parquet": lambda: Target(tables, of_document(completions_parquet.FORMAT, "completions_00010.parquet"), 12_000),
    "npz": lambda: Target(arrays, of_document(evaluations_npz.FORMAT, "evaluations.npz", zipped), 8_000),
    "safetensors": lambda: Target(weights, of_weights(read_safetensors), 2_000),
    "torch": lambda: Target(saved, of_weights(torch_file), 8_000),
}


def fuzz(name: str, seconds: int) -> None:
    """Never comes back: libFuzzer ends the process."""
    target = TARGETS[name]()
    warnings.simplefilter("error")
    seeds, folder = FOUND / name / "seeds", FOUND / name
    seeds.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (seeds / f"{number}").write_bytes(seed)
    limits = [*LIMITS, f"-max_len={target.longest}", f"-max_total_time={seconds}", f"-artifact_prefix={folder}/"]
    atheris.Setup([sys.argv[0], *limits, "-print_final_stats=1", "-verbosity=0", str(folder / "kept"), str(seeds)], target.read)
    (folder / "kept").mkdir(exist_ok=True)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reader", nargs="*", metavar="READER", help=f"of {', '.join(TARGETS)}; all without")
    parser.add_argument("--seconds", type=int, default=600, help="for each reader (default: %(default)s)")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.here:
        fuzz(asked.reader[0], asked.seconds)
    failed = []
    for name in asked.reader or TARGETS:
        print(f"== {name}", flush=True)
        command = [sys.executable, "-m", "benchmarks.fuzz", "--here", name, "--seconds", str(asked.seconds)]
        if subprocess.run(command, env={**os.environ, "POLARS_MAX_THREADS": "1"}, cwd=ROOT, check=False).returncode:
            failed.append(name)
    print("found something in: " + ", ".join(failed) if failed else "nothing found")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
