"""TRL's `completions/completions_*.parquet`: the generations of one log (GRPO and Distillation with log_completions=True).

Columns: `step`, `prompt`, `completion`, `advantage`, one number column for each reward function and for each `log_extra`
of numbers (the file does not tell them apart; both are shown as rewards). It is written in place, so it may be caught half
written, and it is overwritten by an evaluation and by the last log of the same step: only what it says last can be known.
polars reads it, which the report needs anyway.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

from rldk_tui.events import Completion, Completions
from rldk_tui.events.conversation import as_text
from rldk_tui.readers import DocumentFormat, Read

_NAME = re.compile(r"completions_\d+\.parquet$")
_MAGIC = b"PAR1"
_KNOWN = frozenset({"step", "prompt", "completion", "advantage"})


def read(file: Path, _path: PurePath) -> Iterator[Read]:
    """One Completions event for each step in the file."""
    import polars as pl

    data = file.read_bytes()
    if not data.endswith(_MAGIC):
        raise ValueError("it is not whole yet (no parquet footer)")
    table = pl.read_parquet(data)
    numbers = [name for name, kind in table.schema.items() if kind.is_numeric() and name not in _KNOWN]
    by_step: dict[int, list[Completion]] = {}
    for row in table.iter_rows(named=True):
        by_step.setdefault(int(row["step"]), []).append(_completion(row, numbers))
    for step, rows in by_step.items():
        yield Completions(time=math.nan, step=step, rows=tuple(rows))


def _completion(row: dict[str, Any], numbers: list[str]) -> Completion:
    return Completion(
        prompt=as_text(row.get("prompt")),
        completion=as_text(row.get("completion")),
        rewards={name: None if row[name] is None else float(row[name]) for name in numbers},
        advantage=None if row.get("advantage") is None else float(row["advantage"]),
    )


def claims(path: PurePath, head: bytes) -> bool:
    """The name TRL gives and parquet's magic."""
    return _NAME.search(path.name) is not None and head.startswith(_MAGIC)


FORMAT = DocumentFormat(name="TRL completions", authority=4, claims=claims, read=read, generations=True)
