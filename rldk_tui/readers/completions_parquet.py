"""TRL's `completions/completions_*.parquet`: the generations of one log (GRPO and Distillation with log_completions=True).

Columns: `step`, `prompt`, `completion`, `advantage`, one number column for each reward function and for each `log_extra`
of numbers (the file does not tell them apart; both are shown as rewards). Which reward functions there are may change from
file to file, and a column's type with it: one in which nobody was scored has none, numbers may be kept as text. It is written
in place, so it may be caught half written, and it is overwritten by an evaluation and by the last log of the same step: only
what it says last can be known. polars reads it, which the report needs anyway; columns that nobody looks at are not read.
Texts that are no UTF-8 (a damaged file) polars declines; pyarrow, which whoever trains has with `datasets`, gives their bytes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from rldk_tui.events import LAST_STEP, Completion, Completions, ReadProblem
from rldk_tui.events.conversation import as_text
from rldk_tui.readers import DocumentFormat, Read
from rldk_tui.readers._parquet_sizes import MAGIC, MOST_BYTES, check_sizes

if TYPE_CHECKING:
    import polars as pl

_NAME = re.compile(r"completions_(\d+)\.parquet$")
_TEXTS = ("prompt", "completion")
_KNOWN = frozenset({"step", "advantage", *_TEXTS})


def read(file: Path, path: PurePath) -> Iterator[Read]:
    """One Completions event for each step in the file."""
    import polars as pl

    data = file.read_bytes()
    check_sizes(data)
    schema = pl.read_parquet_schema(data)
    if "completion" not in schema:
        raise ValueError("it has no column `completion`")
    scored = [name for name, kind in schema.items() if name not in _KNOWN and not kind.is_nested()]
    columns = [name for name in schema if name in _KNOWN or name in scored]
    try:
        table = pl.read_parquet(data, columns=columns)
    except pl.exceptions.ComputeError as failure:
        if "UTF-8" not in str(failure):
            raise
        table = _undecoded(data, columns)
        yield ReadProblem(source=str(path), message="some of its text is no UTF-8; what is none is shown as \ufffd")
    steps = _steps(table, path)
    texts = {name: _texts(table[name]) if name in schema else [""] * table.height for name in _TEXTS}
    rewards = {name: numbers for name in scored if (numbers := _numbers(table[name])) is not None}
    advantages = (_numbers(table["advantage"]) if "advantage" in schema else None) or [None] * table.height
    names = tuple(rewards)
    by_step: dict[int, list[Completion]] = {}
    for step, prompt, completion, advantage, scores in zip(
        steps, texts["prompt"], texts["completion"], advantages, _rows(rewards, table.height), strict=True
    ):
        row = Completion(
            prompt=prompt, completion=completion, rewards=dict(zip(names, scores, strict=True)), advantage=advantage
        )
        by_step.setdefault(step, []).append(row)
    for step, rows in by_step.items():
        yield Completions(time=math.nan, step=step, rows=tuple(rows))


def _undecoded(data: bytes, columns: list[str]) -> pl.DataFrame:
    """The table with its texts as bytes.

    Raises:
        ValueError: without pyarrow, or if pyarrow cannot read it either.
    """
    import polars as pl

    try:
        from pyarrow import BufferReader, binary, types
        from pyarrow.parquet import read_table
    except ImportError:
        raise ValueError("some of its text is no UTF-8; `pip install pyarrow` to read it nonetheless") from None
    table = read_table(BufferReader(data), columns=columns)
    for place, column in enumerate(table.schema):
        if types.is_string(column.type) or types.is_large_string(column.type):
            table = table.set_column(place, column.name, table.column(place).cast(binary()))
    frame = pl.from_arrow(table)
    if not isinstance(frame, pl.DataFrame):
        raise ValueError("it holds no table")
    return frame


def _rows(columns: Mapping[str, Sequence[float | None]], count: int) -> Iterator[tuple[Any, ...]]:
    return zip(*columns.values(), strict=True) if columns else iter([()] * count)


def _steps(table: pl.DataFrame, path: PurePath) -> list[int]:
    """The step of each row; where the file does not tell one, the step in its name."""
    named = _NAME.search(path.name)
    otherwise = min(int(named.group(1)), LAST_STEP) if named else 0
    told = _numbers(table["step"]) if "step" in table.columns else None
    return [
        int(step) if step is not None and math.isfinite(step) and 0 <= step <= LAST_STEP else otherwise
        for step in told or [None] * table.height
    ]


def _texts(column: pl.Series) -> list[str]:
    """A column as texts: conversations as lines, bytes that are no UTF-8 with marks in place of what is none.

    Raises:
        ValueError: if they are too much together: a few bytes may say a long text a million times.
    """
    import polars as pl

    kind = column.dtype
    sizes = column.str.len_bytes() if kind == pl.String else column.bin.size() if kind == pl.Binary else None
    if sizes is not None and int(sizes.cast(pl.Int64).sum()) > MOST_BYTES:
        raise ValueError(f"its texts have more than {MOST_BYTES} bytes")
    values = column.to_list()
    return [value.decode("utf-8", "replace") if isinstance(value, bytes) else as_text(value) for value in values]


def _numbers(column: pl.Series) -> list[float | None] | None:
    """A column as numbers, None where there is none; None for a column of something else."""
    import polars as pl

    kind = column.dtype
    if kind.is_numeric() or kind in (pl.Boolean, pl.Null):
        return column.cast(pl.Float64).to_list()
    if kind == pl.String:
        numbers = column.str.strip_chars().cast(pl.Float64, strict=False)
        return numbers.to_list() if numbers.null_count() == column.null_count() else None
    return None


def claims(path: PurePath, head: bytes) -> bool:
    """The name TRL gives and parquet's magic."""
    return _NAME.search(path.name) is not None and head.startswith(MAGIC)


FORMAT = DocumentFormat(name="TRL completions", authority=4, claims=claims, read=read, generations=True)
