r"""Metrics as JSON lines, of any framework: one object a line, as a row or as one of its cells.

A row is `{"step": 3, "loss": 0.4}`, a cell `{"step": 3, "name": "loss", "value": 0.4}`. So write LLaMA-Factory
(`trainer_log.jsonl`), ms-swift (`logging.jsonl`), Tinker and verl's file logger (`metrics.jsonl`), RLlib (`result.json`), old
W&B clients (`wandb-history.jsonl`) and most people's own scripts. The content decides, not the name: the first object must be
a row of a training log (`_rows`), and no machine sample, generation or event of ours. Objects that are printed over many
lines, one after another, are read too. A line is decoded by msgspec, ten times as fast as the standard library here, which
reads only the lines that msgspec refuses for their bare NaN and Infinity tokens.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import PurePath

import msgspec

from rldk_tui.events import Event, Json, ReadProblem
from rldk_tui.readers import Read, StreamFormat
from rldk_tui.readers._lines import BOM, LONGEST_LINE, Lines
from rldk_tui.readers._row_shapes import RowsInBulk
from rldk_tui.readers._rows import Rows, Taken, tells_of_training

_MANY_LINES = 256
"""Lines that come at once from which on their numbers are gathered in columns."""
_decode = msgspec.json.Decoder().decode
_TEXTS = frozenset(
    {
        *("prompt", "prompts", "query", "question", "instruction", "input", "text", "messages"),
        *("completion", "completions", "response", "responses", "output", "generation"),
    }
)
_NAMES, _VALUES = ("name", "metric", "key", "tag"), ("value", "scalar")
_CELL = re.compile(rb'"([^"\\]{1,120})"\s*:\s*(-?\d[\d.eE+-]*|NaN|-?Infinity|null|true|false|"[^"\\]{0,40}")(?=\s*[,}\n])')
_NOT_A_LOG = frozenset({"wandb-summary.json", "trainer_state.json"})
_MACHINE = re.compile(r"(?:system\.|gpu|cpu|rss|memory|disk)", re.IGNORECASE)
_ENDS_WHOLE = re.compile(rb"\}\s*\Z")


class MetricsDecoder:
    """Cuts objects apart and takes them as rows."""

    def __init__(self, path: PurePath) -> None:
        self._source = str(path)
        self._lines = Lines()
        self._rows = Rows(self._source)
        self._bulk = RowsInBulk(self._rows)
        self._line = 0
        self._open = b""
        self._opened_at = 0

    def feed(self, chunk: bytes) -> Iterator[Read]:
        """Yield the rows, or the problem, of every line that is complete now."""
        before = self._lines.number
        lines = self._lines.cut_all(chunk)
        many = len(lines) >= _MANY_LINES
        for self._line, line in enumerate(lines, before + 1):
            if many and line is not None and not self._open and self._bulk.take(line):
                continue
            yield from self._bulk.given()
            yield from self._read(line)
        yield from self._bulk.given()
        too_many = self._rows.too_many()
        if too_many is not None:
            yield too_many

    def flush(self) -> Iterator[Event]:
        """The last object if it is whole but for its newline."""
        if not _ENDS_WHOLE.search(self._lines.rest):
            return
        row = _object(self._open + self._lines.rest)
        if isinstance(row, dict):
            self._open = self._lines.rest = b""
            for read in self._row(row):
                if not isinstance(read, ReadProblem):
                    yield read  # type: ignore[misc]

    def pending(self) -> int:
        """Bytes of a last object that is not whole."""
        return len(self._open) + self._lines.pending()

    def mark(self) -> Json | None:
        """Lines and rows so far; None within an object."""
        return None if self._open or not self._lines.resumable() else [self._lines.number, self._rows.taken()]

    def go_on(self, mark: Json) -> None:
        """Be behind these lines and rows."""
        self._lines.number, taken = msgspec.convert(mark, tuple[int, Taken])
        self._rows.go_on(taken)

    def _read(self, line: bytes | None) -> Iterator[Read]:
        if line is None:
            self._open = b""
            yield self._problem(f"a line of more than {LONGEST_LINE} bytes was skipped")
        elif line.strip():
            yield from self._take(line)

    def _take(self, line: bytes) -> Iterator[Read]:
        if self._open:
            if not line.startswith(b"{") or not _is_object(line):
                yield from self._continue(line)
                return
            yield self._problem("an object has no end", self._opened_at)
            self._open = b""
        value = _object(line)
        if isinstance(value, dict):
            yield from self._row(value)
            self._bulk.learn(value)
        elif value is _BROKEN and _may_go_on(line):
            self._open, self._opened_at = line + b"\n", self._line
        else:
            yield self._problem("a line is not JSON" if value is _BROKEN else "a line is not an object")

    def _continue(self, line: bytes) -> Iterator[Read]:
        """Another line of an object that is printed over several; it ends where a line begins with its closing brace."""
        self._open += line + b"\n"
        if line.startswith(b"}"):
            value = _object(self._open)
            self._open = b""
            if isinstance(value, dict):
                yield from self._row(value)
            else:
                yield self._problem("an object is not JSON", self._opened_at)
        elif len(self._open) > LONGEST_LINE:
            self._open = b""
            yield self._problem("an object has no end", self._opened_at)

    def _row(self, row: dict[str, Json]) -> Iterator[Read]:
        return self._rows.take(_wide(row), self._line)

    def _problem(self, message: str, line: int | None = None) -> ReadProblem:
        return ReadProblem(source=self._source, message=message, line=line or self._line)


class _Broken:
    """What is no JSON."""


_BROKEN = _Broken()


def _object(data: bytes) -> Json:
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return _BROKEN


def _is_object(line: bytes) -> bool:
    return isinstance(_object(line), dict)


def _may_go_on(line: bytes) -> bool:
    """Whether a line that is no whole object is the first of one that is printed over several."""
    return line.rstrip() == b"{"


def _wide(row: dict[str, Json]) -> dict[str, Json]:
    """A long row as a wide one."""
    name = next((row[key] for key in _NAMES if isinstance(row.get(key), str)), None)
    value = next((key for key in _VALUES if key in row), None)
    if name is None or value is None:
        return row
    others = {key: cell for key, cell in row.items() if key not in _NAMES and key != value}
    return {**others, name: row[value]}


def claims(path: PurePath, head: bytes) -> bool:
    """JSON objects, one a line or printed over many, of which the first is a row of a training log."""
    if path.name in _NOT_A_LOG:
        return False
    text = head.removeprefix(BOM).lstrip()
    if not text.startswith(b"{"):
        return False
    lines = [line for line in text.split(b"\n") if line.strip()]
    named = ".jsonl" in path.name or path.name == "result.json"
    whole = [row for line in lines[:8] if isinstance(row := _object(line), dict)]
    if whole:
        return (named or len(whole) > 1) and any(_is_row(row) for row in whole)
    if not named:
        return False
    cells = {
        key.decode("utf-8", "replace"): _object(cell) for key, cell in _CELL.findall(lines[0] if len(lines) == 1 else text)
    }
    return _is_row(cells)


def _is_row(row: dict[str, Json]) -> bool:
    row = _wide(row)
    if "type" in row or any(isinstance(row.get(name), str | list) for name in _TEXTS):
        return False  # an event of ours, a generation
    metrics = {key: value for key, value in row.items() if isinstance(value, int | float) and not isinstance(value, bool)}
    if any(_MACHINE.match(key) for key in metrics) and not tells_of_training(
        {key: value for key, value in row.items() if not _MACHINE.match(key)}
    ):
        return False
    return tells_of_training(row)


FORMAT = StreamFormat(name="metrics JSONL", authority=6, claims=claims, decoder=MetricsDecoder, anybodys=True)
