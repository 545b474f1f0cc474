"""Metrics as one JSON array of objects, each a row of a training log: `[{"step": 0, "loss": 0.4}, …]`.

People's own scripts write them, whole and anew each time, so a file may be caught half written: the rows before the cut are
read. Several rows of one step, one after another with the same keys (micro-batches), are one row: their mean.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path, PurePath

from rldk_tui.events import Json, ReadProblem
from rldk_tui.readers import HEAD, DocumentFormat, Read
from rldk_tui.readers._json_rows import text_of, whole_objects
from rldk_tui.readers._lines import BOM
from rldk_tui.readers._numbers import number
from rldk_tui.readers._rows import Rows, tells_of_training

_CELL = re.compile(rb'"([^"\\]{1,120})"\s*:\s*("|-?\d[\d.eE+-]{0,40})')
_WORDS = frozenset({"type", "message", "prompt", "completion", "response", "query", "text"})


def read(file: Path, path: PurePath) -> Iterator[Read]:
    """The rows in their order."""
    text = text_of(file)
    begin = text.find("[") + 1
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as failure:
        entries = list(whole_objects(text, begin))
        if not entries:
            raise ValueError("it is nested too deep" if isinstance(failure, RecursionError) else str(failure)) from None
        yield ReadProblem(
            source=str(path), message=f"it is cut off or no JSON from somewhere on: {len(entries)} rows were read"
        )
    rows = Rows(str(path))
    for entry in _by_step(entry for entry in entries if isinstance(entry, dict)):
        yield from rows.take(entry)
    too_many = rows.too_many()
    if too_many is not None:
        yield too_many


def _by_step(entries: Iterable[dict[str, Json]]) -> Iterator[dict[str, Json]]:
    """The rows, those of one step and the same keys as their mean; a number that is not finite stays one."""

    def kind(entry: dict[str, Json]) -> tuple[str, ...]:
        return repr(entry.get("step")), *entry

    for _, group in groupby(entries, key=kind):
        rows = list(group)
        if len(rows) == 1 or "step" not in rows[0]:
            yield from rows
        else:
            yield {name: rows[0][name] if name == "step" else _mean([row[name] for row in rows]) for name in rows[0]}


def _mean(cells: list[Json]) -> Json:
    numbers = [told for cell in cells if (told := number(cell)) is not None]
    return sum(numbers) / len(numbers) if len(numbers) == len(cells) else cells[-1]


def claims(_path: PurePath, head: bytes) -> bool:
    """An array whose first object is a row of a training log."""
    text = head.removeprefix(BOM).lstrip()
    if not text.startswith(b"["):
        return False
    first = next(whole_objects(text.decode("utf-8", "replace"), 1), None)
    if first is None and len(head) >= HEAD:  # a first row longer than what is looked at: its beginning decides
        cells = [(key.decode("utf-8", "replace"), cell.decode()) for key, cell in _CELL.findall(text)]
        first = {key: cell if number(cell) is None else number(cell) for key, cell in cells}
    return first is not None and _is_row(first)


def _is_row(row: dict[str, Json]) -> bool:
    return not any(isinstance(row.get(name), str) for name in _WORDS) and tells_of_training(row)


FORMAT = DocumentFormat(name="metrics JSON", authority=4, claims=claims, read=read, anybodys=True)
