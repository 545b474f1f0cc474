"""A table as a file, written beside its place and renamed, so no half file is ever left."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import polars as pl


def _parquet(table: pl.LazyFrame, path: Path) -> None:
    table.sink_parquet(path, compression="zstd")


def _csv(table: pl.LazyFrame, path: Path) -> None:
    table.sink_csv(path)


def _jsonl(table: pl.LazyFrame, path: Path) -> None:
    """Strict JSON lines with the columns of the table as keys; a number that is not finite is null, as polars writes it."""
    table.sink_ndjson(path)


_WRITERS: Mapping[str, Callable[[pl.LazyFrame, Path], None]] = MappingProxyType(
    {"parquet": _parquet, "csv": _csv, "jsonl": _jsonl}
)


def written(table: pl.LazyFrame, path: Path, kind: str) -> int:
    """Write it; batch by batch, so the memory needed does not grow with the run.

    Args:
        table: What to write.
        path: Where to.
        kind: `parquet`, `csv` or `jsonl`.

    Returns:
        How many rows the file has.

    Raises:
        OSError: if it cannot be written; nothing is left of it then.
    """
    with _beside(path) as part:
        _WRITERS[kind](table, part)
        rows = _rows(part, kind)
        part.replace(path)
    return rows


def write_parts(parts: Iterable[bytes], path: Path) -> int:
    """Write lines that come in parts; how many they are.

    Raises:
        OSError: if it cannot be written; nothing is left of it then.
    """
    rows = 0
    with _beside(path) as part:
        with part.open("wb") as opened:
            for some in parts:
                opened.write(some)
                rows += some.count(b"\n")
        part.replace(path)
    return rows


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def _rows(path: Path, kind: str) -> int:
    """How many rows a written file has."""
    if kind == "parquet":
        found = pl.scan_parquet(path)
    else:
        found = pl.scan_csv(path, infer_schema=False) if kind == "csv" else pl.scan_ndjson(path)
    return int(found.select(pl.len()).collect().item())
