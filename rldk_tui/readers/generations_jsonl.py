"""Generations as JSON lines: what verl dumps (`rollout_data_dir`), what ms-swift, OpenRLHF and people's own scripts write.

One object a line, one generation each: a prompt (`prompt`, `input`, `query`), what was replied (`completion`, `response`,
`output`), how it scored (`reward`, `score`, or several `…_reward`), and the step; or, as ms-swift writes them, one log a
line with a list for each of these. Where no line tells the step, the file's name does (`120.jsonl`). The generations of a
step are one event, told when the next step begins and at the end of what was read; a file without steps is one step.

A data set looks much the same, so a file whose first line tells neither a step nor bears one in its name is left alone.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from rldk_tui.events import LAST_STEP, LAST_TIME, Completion, Completions, Event, Json, Phase, ReadProblem
from rldk_tui.events.conversation import as_text
from rldk_tui.readers import Read, StreamFormat

MOST_ROWS = 16_384
"""Generations of one step that are kept; how many more there were is told."""
LONGEST_LINE = 64 * 1024 * 1024
"""Bytes after which a line without an end is given up."""
_OPEN = 4
"""Steps whose rows may still come: several processes write to one file, not quite in step."""

_PROMPT = ("prompt", "input", "query", "question", "prompts", "instruction")
_COMPLETION = ("completion", "response", "output", "generation", "completions", "responses")
_STEP = ("step", "global_step", "global_steps", "training_step", "train_step", "iteration")
_TOTAL = ("reward", "score", "total_reward", "rewards", "scores")
_ADVANTAGE = ("advantage", "advantages")
_LENGTH = ("length", "completion_length", "response_length", "num_tokens")
_PHASE = ("phase", "split", "mode")
_EVALUATION = re.compile(r"(?:val|valid|validation|eval|evals|evaluation|test)(?![a-z])")
_NUMBERED = re.compile(r"(?:^|[-_.]|step|rollout|iter)(\d{1,15})(?=[-_.]|$)")
_BOM = b"\xef\xbb\xbf"
_KEY = re.compile(rb'"(\w{1,40})"\s*:')


class GenerationsDecoder:
    """Splits at newlines, gathers the rows of a step."""

    def __init__(self, path: PurePath) -> None:
        self._path = path
        self._rest = b""
        self._line = 0
        self._skipping = False
        self._step = _step_named(path) or 0
        self._phase = Phase.EVAL if any(map(_EVALUATION.match, path.parts)) else Phase.TRAIN
        self._open: dict[tuple[int, Phase], _Gathered] = {}
        self._last: tuple[int, Phase] | None = None

    def feed(self, chunk: bytes) -> Iterator[Read]:
        """Yield the generations of every step that another one followed, and what is wrong in a line."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._line += 1
            if self._skipping:
                self._skipping = False
            elif line.strip():
                yield from self._take(line)
        if len(self._rest) > LONGEST_LINE:
            if not self._skipping:
                yield self._problem(f"a line of more than {LONGEST_LINE} bytes was skipped")
            self._rest, self._skipping = b"", True

    def flush(self) -> Iterator[Event]:
        """The generations of the newest step as far as they are there."""
        if self._rest.rstrip().endswith(b"}"):
            rows = _rows_in(self._rest)
            if rows is not None:
                self._rest = b""
                yield from self._gather(rows)
        if self._last is not None:
            yield from self._told(self._last)

    def pending(self) -> int:
        """Bytes of a last line that is not whole."""
        return len(self._rest)

    def _take(self, line: bytes) -> Iterator[Read]:
        rows = _rows_in(line)
        if rows is None:
            yield self._problem("a line tells of no generation")
        else:
            yield from self._gather(rows)

    def _gather(self, rows: list[dict[str, Json]]) -> Iterator[Completions]:
        for row in rows:
            told = _step_of(row)
            key = self._step if told is None else told, _phase_of(row) or self._phase
            if self._last not in (None, key):
                yield from self._told(self._last)
            self._last = key
            gathered = self._open.pop(key, None) or _Gathered()
            self._open[key] = gathered
            gathered.add(row)
            if len(self._open) > _OPEN:
                self._open.pop(next(iter(self._open)))

    def _told(self, key: tuple[int, Phase]) -> Iterator[Completions]:
        gathered = self._open.get(key)
        if gathered is not None and not gathered.told:
            gathered.told = True
            step, phase = key
            yield Completions(time=gathered.time, step=step, phase=phase, rows=tuple(gathered.rows), left_out=gathered.left_out)

    def _problem(self, message: str) -> ReadProblem:
        return ReadProblem(source=str(self._path), message=message, line=self._line)


class _Gathered:
    """The rows of one step so far."""

    def __init__(self) -> None:
        self.rows: list[Completion] = []
        self.left_out = 0
        self.told = False
        self.time = math.nan

    def add(self, row: dict[str, Json]) -> None:
        self.told = False
        self.time = _time_of(row) if math.isnan(self.time) else self.time
        if len(self.rows) < MOST_ROWS:
            self.rows.append(_completion(row))
        else:
            self.left_out += 1


def _rows_in(line: bytes) -> list[dict[str, Json]] | None:
    """The generations a line tells of; None if it tells of none."""
    try:
        row = json.loads(line.removeprefix(_BOM).decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict) or _first(row, _PROMPT) is None or "type" in row:
        return None
    replies = row.get(_first(row, _COMPLETION) or "")
    if isinstance(replies, str):
        return [row]
    if isinstance(replies, list) and replies and all(isinstance(reply, str) for reply in replies):
        return _transposed(row, len(replies))
    return None if replies is None else [row]


def _transposed(row: dict[str, Json], count: int) -> list[dict[str, Json]]:
    """One row for each reply of a line that has a list for each column; what is no such list is said of every row."""
    columns = {
        name: value if isinstance(value, list) and len(value) == count else [value] * count for name, value in row.items()
    }
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _first(row: Mapping[str, Json], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if row.get(name) is not None), None)


def _completion(row: dict[str, Json]) -> Completion:
    prompt, completion = row[_first(row, _PROMPT) or ""], row[_first(row, _COMPLETION) or ""]
    length = _number(row.get(_first(row, _LENGTH) or ""))
    return Completion(
        prompt=as_text(prompt),
        completion=as_text(completion),
        rewards=_rewards(row),
        advantage=_number(row.get(_first(row, _ADVANTAGE) or "")),
        length=int(length) if length is not None and 0 <= length <= LAST_STEP else None,
        truncated=_truncated(row),
    )


def _rewards(row: dict[str, Json]) -> dict[str, float | None]:
    """The total where the line tells it, else each reward it names; a reward nobody could give is None."""
    for name in _TOTAL:
        value = row.get(name)
        if isinstance(value, dict):
            return {part: _number(given) for part, given in value.items()}
        if name in row and (value is None or _number(value) is not None):
            return {name: _number(value)}
    return {name: _number(value) for name, value in row.items() if "reward" in name.lower() or name.lower().endswith("score")}


def _truncated(row: dict[str, Json]) -> bool | None:
    told = row.get("truncated")
    if isinstance(told, bool):
        return told
    reason = row.get("finish_reason")
    return reason == "length" if isinstance(reason, str) else None


def _number(value: Any) -> float | None:
    """A number, whether it is kept as one or as text; None for anything else."""
    if isinstance(value, int | float | str):
        try:
            return float(value)
        except (ValueError, OverflowError):
            return None
    return None


def _step_of(row: dict[str, Json]) -> int | None:
    """The step a line tells; of "3/200" the first number."""
    value = row.get(_first(row, _STEP) or "")
    number = _number(value.split("/")[0] if isinstance(value, str) else value)
    return int(number) if number is not None and math.isfinite(number) and 0 <= number <= LAST_STEP else None


def _phase_of(row: dict[str, Json]) -> Phase | None:
    value = row.get(_first(row, _PHASE) or "")
    if not isinstance(value, str):
        return None
    return Phase.EVAL if _EVALUATION.match(value.lower()) else Phase.TRAIN


def _time_of(row: dict[str, Json]) -> float:
    number = _number(row.get(_first(row, ("time", "timestamp")) or ""))
    return number if number is not None and 0 <= number <= LAST_TIME else math.nan


def _step_named(path: PurePath) -> int | None:
    """The last number in a file's name."""
    numbers = _NUMBERED.findall(path.name.partition(".jsonl")[0].lower())
    return int(numbers[-1]) if numbers else None


def claims(path: PurePath, head: bytes) -> bool:
    """JSON lines whose first tells of a generation, with a step in it or in the name; of a long line its keys decide."""
    if ".jsonl" not in path.name:
        return False
    first, _, rest = head.removeprefix(_BOM).lstrip().partition(b"\n")
    named = _step_named(path) is not None
    rows = _rows_in(first)
    if rows is not None:
        row = rows[0]
        return _step_of(row) is not None or (named and bool(_rewards(row)))
    if rest or not first.startswith(b"{"):
        return False
    keys = {key.decode() for key in _KEY.findall(first)}
    asked, answered, told = (bool(keys & set(names)) for names in (_PROMPT, _COMPLETION, _STEP))
    return "type" not in keys and asked and (told or named) and (answered or named)


FORMAT = StreamFormat(name="generations", authority=3, claims=claims, decoder=GenerationsDecoder, generations=True)
