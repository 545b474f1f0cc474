"""trackio's database (`<project>.db`): metrics as JSON in SQLite, one row a log.

The file is another program's, live, and may lie on a network: it is never written to and never locked. With a write-ahead log
beside it both are copied to a temporary folder and opened there; without one it is opened as immutable. Either is done again
when the file changed meanwhile. A database holds every run of a project: the newest is read, and how many others there are is
told. trackio's own `step` counts calls of `log`; the training's step is `train/global_step` where the trainer logs it.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from urllib.parse import quote

from rldk_tui.events import Json, ReadProblem, RunDescribed
from rldk_tui.readers import DocumentFormat, Read
from rldk_tui.readers._rows import Rows
from rldk_tui.readers._trainer_config import described

_MAGIC = b"SQLite format 3\0"
_WAL = "-wal"
_LARGEST = 4 * 1024 * 1024 * 1024
_ATTEMPTS = 5
_MOST_WORK = 20_000
"""Thousands of steps of SQLite's machine after which a query is given up: 1M rows take some 10,000."""


def read(file: Path, path: PurePath) -> Iterator[Read]:
    """The rows of the newest run and its config."""
    for _ in range(_ATTEMPTS):
        before = _state(file)
        try:
            reads = list(_copied(file, path))
        except sqlite3.DatabaseError as failure:
            if before == _state(file):
                raise ValueError(f"SQLite cannot read it: {failure}") from None
            continue
        if before == _state(file):
            yield from reads
            return
    raise ValueError("it changes faster than it can be read")


def _state(file: Path) -> tuple[tuple[int, int], ...]:
    known = []
    for one in (file, file.with_name(file.name + _WAL)):
        try:
            facts = one.stat()
            known.append((facts.st_size, facts.st_mtime_ns))
        except FileNotFoundError:
            known.append((-1, -1))
    return tuple(known)


def _copied(file: Path, path: PurePath) -> Iterator[Read]:
    wal = file.with_name(file.name + _WAL)
    if file.stat().st_size > _LARGEST:
        raise ValueError(f"it has more than {_LARGEST} bytes")
    if not wal.exists() or wal.stat().st_size == 0:
        yield from _runs(f"file:{quote(str(file.absolute()))}?mode=ro&immutable=1", path)
        return
    with TemporaryDirectory(prefix="rldk-") as folder:
        copy = Path(folder) / "copy.db"
        shutil.copyfile(file, copy)
        shutil.copyfile(wal, copy.with_name(copy.name + _WAL))
        yield from _runs(f"file:{quote(str(copy))}", path)


def _runs(address: str, path: PurePath) -> Iterator[Read]:
    with closing(sqlite3.connect(address, uri=True)) as database:
        work = iter(range(_MOST_WORK))
        database.set_progress_handler(lambda: next(work, None) is None, 1000)
        database.execute("PRAGMA trusted_schema=OFF")
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type='table'")}
        if "metrics" not in tables:
            yield ReadProblem(source=str(path), message="it is an SQLite database, but not trackio's")
            return
        columns = {row[1] for row in database.execute("PRAGMA table_info(metrics)")}
        if not {"run_name", "timestamp", "step", "metrics"} <= columns:
            yield ReadProblem(source=str(path), message="its table of metrics is not trackio's")
            return
        key = "run_id" if "run_id" in columns else "run_name"
        known = database.execute(f"SELECT {key}, run_name FROM metrics GROUP BY 1 ORDER BY MAX(timestamp)").fetchall()  # noqa: S608
        yield from _described(database, tables, known[-1][1] if known else None)
        if not known:
            yield ReadProblem(source=str(path), message="it holds no log yet")
            return
        if len(known) > 1:
            others = f"it holds {len(known)} runs; the newest, {str(known[-1][1])[:80]!r}, is read"
            yield ReadProblem(source=str(path), message=others)
        rows = Rows(str(path))
        query = f"SELECT timestamp, step, metrics FROM metrics WHERE {key} IS ? ORDER BY step, timestamp"  # noqa: S608
        for time, step, text in database.execute(query, (known[-1][0],)):
            values = _object(text)
            yield from rows.take({**values, "timestamp": time, "_step": step})
        too_many = rows.too_many()
        if too_many is not None:
            yield too_many


def _described(database: sqlite3.Connection, tables: set[str], run: str | None) -> Iterator[RunDescribed]:
    config: dict[str, Json] = {}
    if "configs" in tables and run is not None:
        found = database.execute("SELECT config FROM configs WHERE run_name IS ? ORDER BY created_at DESC", (run,)).fetchone()
        config = {name: value for name, value in _object(found[0]).items() if not name.startswith("_")} if found else {}
    yield described(config)


def _object(text: Json) -> dict[str, Json]:
    try:
        value = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def claims(path: PurePath, head: bytes) -> bool:
    """An SQLite database by its first bytes; whose it is, its tables tell."""
    return path.name.endswith(".db") and head.startswith(_MAGIC)


FORMAT = DocumentFormat(name="trackio database", authority=6, claims=claims, read=read, companions=(_WAL,))
