"""Reading logs: against polars, the standard library and TensorBoard's own loader, and a run of a million rows opened twice.

Each figure is taken in a process of its own; ratios are of one run of this script.
"""

from __future__ import annotations

import json
import math
import os
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path, PurePath

from benchmarks.logs import NAMES, a_log, append, row
from rldk_tui.readers._tfevents_scalars import masked_crc
from rldk_tui.session import RunSession

ROWS, MILLION, WIDTH = 200_000, 1_000_000, 40
STEPS, TAGS = 100_000, 10
ROUNDS = 3
LOOKS = 41


def measured(task: str, *arguments: object) -> dict[str, float]:
    """Run a task of this script in a process of its own, the median of some rounds; it prints what it measured as JSON."""
    rounds = []
    for _ in range(ROUNDS if task not in ("million", "tensorboard") and "long" not in str(arguments[0]) else 1):
        command = [sys.executable, "-m", "benchmarks.bench_reading", task, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rounds.append(json.loads(done.stdout.splitlines()[-1]))
    return {key: statistics.median(found[key] for found in rounds) for key in rounds[0]}


def memory(field: str) -> float:
    """A field of this process's status, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:"))


def timed(work: Callable[[], object]) -> dict[str, float]:
    before, wall, cpu = memory("VmHWM"), time.perf_counter(), time.process_time()
    kept = work()
    taken = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "peak": memory("VmHWM") - before}
    del kept
    return taken


def ours(run: Path) -> dict[str, float]:
    """Every byte of the log read and laid into the run's table."""
    from rldk_tui.ingest import Follower, parse_cache
    from rldk_tui.readers import load_formats
    from rldk_tui.run import RunStore

    load_formats()  # imports, which are not timed for the others either
    parse_cache.LEAST = 1 << 60  # nothing is recalled, and nothing kept

    def load() -> object:
        follower, store = Follower(run), RunStore("bench")
        while True:
            batch = follower.poll(16 * 1024 * 1024)
            for event, origin in batch.events:
                store.add(event, origin)
            if not batch.more:
                return follower, store

    return timed(load)


def polars(log: Path) -> dict[str, float]:
    import polars as pl

    values = pl.Struct(dict.fromkeys(NAMES[:WIDTH], pl.Float64))
    schema = {"type": pl.String, "time": pl.Float64, "step": pl.Int64, "values": values}
    return timed(lambda: pl.read_ndjson(log, schema=schema))


def standard_library(log: Path) -> dict[str, float]:
    """The loop everybody writes: a dict a line, then a list a key."""

    def load() -> object:
        columns: dict[str, list[float]] = {}
        with log.open() as lines:
            for line in lines:
                try:
                    found = json.loads(line)
                except ValueError:
                    continue
                for key, value in found.get("values", {}).items():
                    columns.setdefault(key, []).append(float(value))
        return columns

    return timed(load)


def dirty(run: Path, log: Path) -> Path:
    """The same rows with bare NaN tokens, missing keys and a torn last line."""
    made = run / "rldk" / log.name
    made.parent.mkdir(parents=True)
    rng = random.Random(2)
    with log.open("rb") as lines, made.open("wb") as out:
        for line in lines:
            chance = rng.random()
            if chance < 0.01:
                line = line.replace(b'"kl":0', b'"kl":NaN,"was":0', 1)
            elif chance < 0.03:
                line = line.replace(b'"entropy":', b'"entropy_of_some":', 1)
            out.write(line)
        out.write(line[: len(line) // 2])
    return made


def an_event_file(folder: Path, steps: int = STEPS, tags: int = TAGS) -> Path:
    """Scalars as TensorBoard's writers store them: a record each."""

    def varint(number: int) -> bytes:
        return bytes([number & 0x7F | 0x80]) + varint(number >> 7) if number > 0x7F else bytes([number])

    def framed(payload: bytes) -> bytes:
        header = struct.pack("<Q", len(payload))
        return header + struct.pack("<I", masked_crc(header)) + payload + struct.pack("<I", masked_crc(payload))

    folder.mkdir()
    rng = random.Random(3)
    file = folder / "events.out.tfevents.1700000000.bench.1.0"
    names = [f"train/metric_{number}".encode() for number in range(tags)]
    with file.open("wb") as out:
        out.write(framed(b"\x09" + struct.pack("<d", 1.0) + b"\x1a\x0dbrain.Event:2"))
        for step in range(1, steps + 1):
            for tag in names:
                value = b"\x0a" + bytes([len(tag)]) + tag + b"\x15" + struct.pack("<f", rng.random())
                summary = b"\x0a" + bytes([len(value)]) + value
                head = b"\x09" + struct.pack("<d", float(step)) + b"\x10" + varint(step)
                out.write(framed(head + b"\x2a" + bytes([len(summary)]) + summary))
    return file


def tfevents(file: Path) -> dict[str, float]:
    from rldk_tui.readers.tfevents import TfeventsDecoder

    def load() -> object:
        decoder = TfeventsDecoder(PurePath(file.name))
        with file.open("rb") as opened:
            return [read for chunk in iter(lambda: opened.read(8 * 1024 * 1024), b"") for read in decoder.feed(chunk)]

    return timed(load)


def tensorboard(file: Path) -> dict[str, float]:
    """TensorBoard's loader over the first tenth of the file, and whether ours reads the same numbers there."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util import tensor_util

    from rldk_tui.events.entries import Entries
    from rldk_tui.readers.tfevents import TfeventsDecoder

    mine: dict[tuple[int, str], float] = {}
    decoder = TfeventsDecoder(PurePath(file.name))
    for read in decoder.feed(file.read_bytes()[: 20 * 1024 * 1024]):
        for event in read.events() if isinstance(read, Entries) else ():
            mine.update({(event.step, key): value for key, value in event.values.items() if value is not None})
    count, same, begin = 0, True, time.perf_counter()
    taken = 0.0
    for event in EventFileLoader(str(file)).Load():
        for value in event.summary.value:
            count += 1
            taken += time.perf_counter() - begin
            number = float(tensor_util.make_ndarray(value.tensor))
            same &= mine[event.step, value.tag.removeprefix("train/")] == number
            begin = time.perf_counter()
        if count >= STEPS * TAGS // 10:
            break
    return {"each": taken / count, "same": float(same)}


def million(run: Path) -> dict[str, float]:
    """Until every chart is whole, until all is judged, and what is held after some looks."""
    begin = time.perf_counter()
    session = RunSession(run)
    charts = math.nan
    while True:
        health = session.poll(whole=False)
        rows = sum(len(segment.rows) for segment in health.snapshot.segments)
        if math.isnan(charts) and rows >= MILLION:
            for name in health.snapshot.metric_names():
                health.snapshot.series(name)
            charts = time.perf_counter() - begin
        if not health.more:
            break
    judged = time.perf_counter() - begin
    for _ in range(5):
        session.poll()
    return {"charts": charts, "judged": judged, "held": memory("VmRSS")}


def new_row(session: RunSession, run: Path) -> float:
    """The median look that brings one row."""
    last = session.poll().snapshot.step or 0
    log, rng, taken = next((run / "rldk").glob("*.jsonl")), random.Random(1), []
    for step in range(last + 1, last + 1 + LOOKS):
        append(log, row(step, WIDTH, rng))
        begin = time.perf_counter()
        session.poll()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def live(run: Path) -> dict[str, float]:
    session = RunSession(run)
    return {"new_row": new_row(session, run)}


TASKS: dict[str, Callable[[Path], dict[str, float]]] = {
    task.__name__: task for task in (ours, polars, standard_library, tfevents, tensorboard, million, live)
}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        clean = a_log(folder / "clean", ROWS, WIDTH)
        own, reference = measured("ours", folder / "clean"), measured("polars", clean)
        print(
            f"JSONL, {ROWS:,} rows x {WIDTH}: {own['wall']:.2f} s, polars with a schema {reference['wall']:.2f} s: "
            f"{reference['wall'] / own['wall']:.2f} of its speed (bar 0.7)"
        )
        soiled = dirty(folder / "dirty", clean)
        own, reference = measured("ours", folder / "dirty"), measured("standard_library", soiled)
        print(
            f"the same, dirty: {own['wall']:.2f} s, the json loop {reference['wall']:.2f} s: "
            f"{reference['wall'] / own['wall']:.1f} x (bar 3)"
        )
        file = an_event_file(folder / "tf")
        own, reference = measured("tfevents", file), measured("tensorboard", file)
        each = own["wall"] / (STEPS * TAGS)
        print(
            f"tfevents, {STEPS:,} steps x {TAGS}: {each * 1e6:.2f} us an event, TensorBoard {reference['each'] * 1e6:.1f}: "
            f"{reference['each'] / each:.0f} x (bar 15), same numbers: {bool(reference['same'])}"
        )
        long = a_log(folder / "long", MILLION, WIDTH)
        reference, own = measured("polars", long), measured("ours", folder / "long")
        print(f"read whole, {MILLION:,} rows peak at {own['peak'] / (MILLION * WIDTH * 9 / 2**20):.2f} x their table (bar 1.5)")
        first, second = measured("million", folder / "long"), measured("million", folder / "long")
        print(
            f"JSONL, {MILLION:,} x {WIDTH}: charts after {first['charts']:.1f} s, judged after {first['judged']:.1f} s, polars "
            f"{reference['wall']:.1f} s: {first['charts'] / reference['wall']:.2f} x (bar 4); "
            f"held {first['held']:.0f} MB (bar 400)"
        )
        print(f"again, recalled: charts after {second['charts']:.2f} s (bar 1), judged after {second['judged']:.1f} s")
        a_log(folder / "short", 1000, WIDTH)
        long_run, short = measured("live", folder / "long"), measured("live", folder / "short")
        print(
            f"one new row: {long_run['new_row'] * 1e3:.1f} ms, of a run of 1,000 rows {short['new_row'] * 1e3:.1f} ms: "
            f"{long_run['new_row'] / short['new_row']:.2f} x (bar 0.5 to 1.5)"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(TASKS[sys.argv[1]](Path(sys.argv[2]))))
    else:
        main()
