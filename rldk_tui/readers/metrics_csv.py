r"""Metrics as CSV, of any framework: a line of names, then a line of cells for each step or episode.

Read by content: Stable-Baselines3 (`progress.csv`, and `monitor.csv` with its `#{json}` first line, whose episodes have a
length and no step: the step is the sum of the lengths), RLlib (`progress.csv`), people's own scripts. Python's own `csv` reads
the lines that hold quotes; it is right and streams, where polars wants whole files and fails on a torn last line. An empty
cell is a metric that was not logged then. The names again in the middle of the file begin another training.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import PurePath

import msgspec

from rldk_tui.events import LAST_STEP, Event, Json, Metrics, ReadProblem, RunDescribed
from rldk_tui.readers import Read, StreamFormat
from rldk_tui.readers._lines import BOM, LONGEST_LINE, Lines
from rldk_tui.readers._numbers import number, unix_time
from rldk_tui.readers._rows import Rows, Taken, another_training, tells_of_training
from rldk_tui.readers._table_in_bulk import TableInBulk

_SEPARATORS = (",", "\t", ";")
_MONITOR = ("r", "l", "t")
_NAME = re.compile(r"[^{}<>=\"\n]{1,200}")
_MOST_CELLS = 20_000
_MANY_LINES = 256
"""Lines that come at once from which on their numbers are gathered in columns."""
_MARK = tuple[int, str, list[str], int, Taken]
csv.field_size_limit(LONGEST_LINE)


class CsvDecoder:
    """Reads the names, then every line that is complete as a row of them."""

    def __init__(self, path: PurePath) -> None:
        self._source = str(path)
        self._lines = Lines()
        self._rows = Rows(self._source)
        self._names: list[str] = []
        self._width = 0
        self._separator = ","
        self._monitor: _Monitor | None = None
        self._bulk: TableInBulk | None = None
        self._line = 0
        self._told = b""

    def feed(self, chunk: bytes) -> Iterator[Read]:
        """Yield the rows, or the problem, of every line that is complete now."""
        before = self._lines.number
        lines = self._lines.cut_all(chunk)
        many = len(lines) >= _MANY_LINES
        for self._line, line in enumerate(lines, before + 1):
            text = "" if line is None else line.decode("utf-8", "replace")
            if many and self._bulk is not None and self._bulk.take(text):
                continue
            yield from self._given()
            yield from self._read(line, text)
        yield from self._given()
        too_many = self._rows.too_many()
        if too_many is not None:
            yield too_many

    def _given(self) -> Iterator[Read]:
        return iter(()) if self._bulk is None else self._bulk.given()

    def _read(self, line: bytes | None, text: str) -> Iterator[Read]:
        if line is None:
            yield self._problem(f"a line of more than {LONGEST_LINE} bytes was skipped")
        elif line.startswith(b"#"):
            yield from self._header(line)
        elif line.strip():
            yield from self._take(text)

    def flush(self) -> Iterator[Event]:
        """Of a last line without its end all cells but the last, whose number may be cut short; it is told again when whole."""
        if self._monitor is not None or self._told == self._lines.rest or not self._names:
            return
        line = self._lines.rest.decode("utf-8", "replace")
        cells = _cells(line, self._separator)
        if len(cells) == self._width == len(self._names) and cells != self._names:
            self._told = self._lines.rest
            sure = cells if line.endswith('"') else cells[:-1]
            row: dict[str, Json] = {name: cell for name, cell in zip(self._names, sure, strict=False) if cell}
            reads = list(deepcopy(self._rows).take(row))
            if all(isinstance(read, Metrics) for read in reads):
                yield from reads  # type: ignore[misc]

    def pending(self) -> int:
        """Bytes of a last line without its end, unless nothing can be missing in it."""
        rest = self._lines.rest.strip()
        return 0 if self._told and self._told == self._lines.rest and rest.endswith((b'"', b",")) else len(rest)

    def mark(self) -> Json | None:
        """Lines, names and rows so far; None for a monitor."""
        if self._monitor is not None or not self._lines.resumable():
            return None
        return [self._lines.number, self._separator, self._names, self._width, self._rows.taken()]

    def go_on(self, mark: Json) -> None:
        """Be behind these lines."""
        self._lines.number, self._separator, names, self._width, taken = msgspec.convert(mark, _MARK)
        self._rows.go_on(taken)
        if names:
            self._be_named(names)

    def _header(self, line: bytes) -> Iterator[Read]:
        """`#{"t_start": …}` of a Stable-Baselines3 monitor; once more, it begins another training."""
        try:
            facts = json.loads(line[1:])
        except (ValueError, RecursionError):
            return
        if not isinstance(facts, dict):
            return
        if self._monitor is not None and self._monitor.step:
            yield another_training(self._source)
        self._monitor = _Monitor(unix_time(facts.get("t_start")))
        yield RunDescribed(
            time=math.nan,
            trainer="Stable-Baselines3",
            config={key: value for key, value in facts.items() if isinstance(value, str | float)},
        )

    def _take(self, line: str) -> Iterator[Read]:
        cells = _cells(line, self._separator if self._names else _separator(line))
        if not self._names:
            self._separator = _separator(line)
            self._width = len(cells)
            self._be_named(cells[:_MOST_CELLS])
            if len(cells) > _MOST_CELLS:
                yield self._problem(f"more than {_MOST_CELLS} columns: the rest was left out")
        elif cells[:_MOST_CELLS] == self._names:
            yield from self._rows.begin_anew()
        elif len(cells) != self._width:
            yield self._problem(f"a row has not the {self._width} cells that the first line names")
        elif self._monitor is not None and tuple(self._names[:3]) == _MONITOR:
            yield from self._monitor.episode(cells)
        else:
            row: dict[str, Json] = {name: cell for name, cell in zip(self._names, cells, strict=False) if cell}
            yield from self._rows.take(row, self._line)

    def _be_named(self, names: list[str]) -> None:
        self._names = names
        if self._monitor is None and len({*names}) == self._width:
            self._bulk = TableInBulk(names, self._separator, self._rows)

    def _problem(self, message: str) -> ReadProblem:
        return ReadProblem(source=self._source, message=message, line=self._line)


class _Monitor:
    """Episodes of a Stable-Baselines3 monitor: reward `r`, length `l`, seconds since the start `t`.

    The reward of one episode is no mean over a batch, so it keeps a name of its own.
    """

    def __init__(self, started: float) -> None:
        self._started = started
        self.step = 0

    def episode(self, cells: list[str]) -> Iterator[Metrics]:
        reward, length, seconds = (number(cell) for cell in cells[:3])
        if length is None or not 0 <= length <= LAST_STEP - self.step or reward is None:
            return
        self.step += int(length)
        values: dict[str, float | None] = {"episode_reward": reward, "episode_length": length}
        yield Metrics(time=self._started + (math.nan if seconds is None else seconds), step=self.step, values=values)


def _separator(line: str) -> str:
    return max(_SEPARATORS, key=line.count)


def _cells(line: str, separator: str) -> list[str]:
    if '"' not in line:
        return [cell.strip() for cell in line.split(separator)]
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error:
        return []


def claims(_path: PurePath, head: bytes) -> bool:
    """A line of names, and below it a line of as many cells that read as a row of a training log (or nothing yet)."""
    text = head.removeprefix(BOM)
    if b"\0" in text or text.lstrip()[:1] in (b"{", b"["):
        return False
    lines = [line for line in text.decode("utf-8", "replace").splitlines() if line.strip()]
    monitor = bool(lines) and lines[0].startswith("#{")
    lines = lines[1:] if monitor else lines
    if not lines:
        return False
    names = _cells(lines[0], _separator(lines[0]))
    if len(names) < 2 or not all(_NAME.fullmatch(name) and number(name) is None for name in names):
        return False
    if monitor:
        return tuple(names[:3]) == _MONITOR
    rows = [_cells(line, _separator(lines[0])) for line in lines[1:4]]
    rows = [row for row in rows if len(row) == len(names)] if len(text) < len(head) + 1 and len(lines) > 1 else []
    if rows:
        return any(tells_of_training({name: cell for name, cell in zip(names, row, strict=True) if cell}) for row in rows)
    return len(lines) == 1 and all(" " not in name for name in names) and tells_of_training(dict.fromkeys(names, 0.0))


FORMAT = StreamFormat(name="metrics CSV", authority=5, claims=claims, decoder=CsvDecoder, anybodys=True)
