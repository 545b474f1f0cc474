"""W&B's offline run file (`run-<id>.wandb`): everything the client sent or would have sent, as protobuf records.

Read at the level of bytes: the wandb package (0.31, 62 MB beside its dependencies) has no reader of its own files in Python
any more, only in its Go programs, and `wandb leet`, which shows them, needs 2.2 s of CPU for 10,000 rows of 40 metrics; this
reader needs 0.5 s for them, checksums verified. Only what a training log needs is read: history rows, the
config, the last words of the trainer in the summary, the exit code. Rows are sparse (a row of timings, a row of metrics): they
are put together by the trainer's own step, `train/global_step` where the run declares it as its axis, else by W&B's `_step`. A
null in a row is a number that could not be written, as W&B leaves out what was not logged.

A file cut mid-record, as a killed job leaves it, is read up to there; without an exit record the run's end is not known.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import PurePath

import msgspec

from rldk_tui.events import Json, ReadProblem, RunDescribed, RunEnded
from rldk_tui.readers import Read, StreamFormat
from rldk_tui.readers._leveldb_log import HEADER, Damaged, Records
from rldk_tui.readers._protobuf import fields, varint
from rldk_tui.readers._row_shapes import Gathered, Layout
from rldk_tui.readers._rows import Rows, whole
from rldk_tui.readers._trainer_config import described

_HISTORY, _SUMMARY, _CONFIG, _METRIC, _RUN, _EXIT = 2, 3, 5, 12, 17, 18
"""Fields of `Record` in wandb_internal.proto."""
_METRIC_NAME, _GLOB, _AXIS = 1, 2, 4
"""Fields of `MetricRecord`."""
_ALL, _OF_EVALUATIONS = b"*", (b"eval", b"val", b"test")
_NAME, _VALUE = b"\x0a\x12", b"\x82\x01"
"""Tags of an item's `key`, `nested_key` and `value_json`."""
_LAST_WORDS = b"train_"
_CLOSING = ("train_runtime", "train_loss", "train_samples_per_second", "train_steps_per_second")
_STEP_FIELD = 2 << 3 | 2
_PLAIN = re.compile(rb"\n[\x00-\x7f]\x12[\x00-\x7f]([^\x00-\x1f\x80-\xff]{1,120})\x82\x01[\x00-\x7f]([-+0-9.eE]{1,32})")
_FRAME = 7
"""Bytes of an item that are neither name nor value: three tags, one of two bytes, and three lengths."""
_decode = msgspec.json.Decoder().decode
_NUMBERS = (int, float)
_MOST_LAYOUTS = 256
"""Sets of keys whose rows are read many at once."""
_MOST_SETTINGS = 2000


class WandbDecoder:
    """Cuts the records apart and reads those that matter."""

    def __init__(self, path: PurePath) -> None:
        self._source = str(path)
        self._records = Records()
        self._rows = Rows(self._source, nulls=True)
        self._axis: str | None = None
        self._axis_at: int | None = None
        self._row = -1
        self._closing: dict[str, Json] = {}
        self._gathered = Gathered(self._rows)
        self._layouts: dict[frozenset[bytes], tuple[Layout, list[bytes]] | None] = {}

    def feed(self, chunk: bytes) -> Iterator[Read]:
        """Yield what the records that are complete now tell."""
        for record in self._records.cut(chunk):
            if isinstance(record, Damaged):
                yield ReadProblem(source=self._source, message=record.why)
                continue
            try:
                yield from self._record(record)
            except (ValueError, IndexError) as failure:
                yield ReadProblem(source=self._source, message=f"a record is not what it should be: {failure}")
        yield from self._gathered.given()
        too_many = self._rows.too_many()
        if too_many is not None:
            yield too_many

    def flush(self) -> tuple[()]:
        """Nothing: a record without its end is no record."""
        return ()

    def pending(self) -> int:
        """Bytes of a last record that is not whole."""
        return self._records.pending()

    def _record(self, record: bytes) -> Iterator[Read]:
        for number, value in fields(record):
            if not isinstance(value, bytes):
                continue
            if number == _HISTORY:
                yield from self._history(value)
            elif number == _SUMMARY and _LAST_WORDS in value:
                self._closing |= {name: told for name, told in _settings(value).items() if name in _CLOSING}
            elif number == _RUN:
                yield from self._run(value)
            elif number == _CONFIG:
                yield from _described(_settings(value))
            elif number == _METRIC:
                self._declared(value)
            elif number == _EXIT:
                yield from self._gathered.given()
                yield from self._last_words()
                code = next((code for at, code in fields(value) if at == 1 and isinstance(code, int)), 0)
                reason = "finished" if code == 0 else f"the process exited with code {code}"
                yield RunEnded(time=math.nan, step=self._rows.step, reason=reason, failed=code != 0)

    def _declared(self, message: bytes) -> None:
        """Over which step a metric is drawn: the training's is that of all metrics, else the first but for evaluations'."""
        told = dict(fields(message))
        axis, whose = told.get(_AXIS), told.get(_GLOB) or told.get(_METRIC_NAME) or b""
        if not isinstance(axis, bytes) or not isinstance(whose, bytes) or not axis:
            return
        if whose == _ALL or (self._axis is None and not whose.startswith(_OF_EVALUATIONS)):
            self._axis = _text(axis)

    def _run(self, message: bytes) -> Iterator[RunDescribed]:
        for number, value in fields(message):
            if number == 4 and isinstance(value, bytes):
                yield from _described(_settings(value))

    def _last_words(self) -> Iterator[Read]:
        """What the Hugging Face Trainer says at the end goes to the summary alone, just before its last row."""
        if self._closing:
            closing, self._closing = self._closing, {}
            yield from self._rows.take(closing, at=self._rows.step or 0)

    def _history(self, message: bytes) -> Iterator[Read]:
        names, values, told = _items(message, 1)
        self._row = _step_in(told) if told else self._row + 1
        if not self._closing and self._took(names, values):
            return
        yield from self._gathered.given()
        row = dict(zip(map(_text, names), values, strict=True))
        row.setdefault("_step", self._row)
        if self._axis is None or self._axis not in row:
            step = self._axis_at
        else:
            step = self._axis_at = whole(row[self._axis])
        yield from self._rows.take(row, at=step)
        yield from self._last_words()

    def _took(self, names: list[bytes], values: list[Json]) -> bool:
        """Whether a row of nothing but numbers was put with others like it. W&B writes the keys of each in another order."""
        known = self._layout_of(frozenset(names))
        if known is None or not all(type(value) in _NUMBERS for value in values):
            return False
        layout, order = known
        row = dict(zip(names, values, strict=True))
        step = row[order[layout.step]]
        if self._axis is not None:
            if self._axis != layout.keys[layout.step] or whole(step) is None:
                return False
            self._axis_at = int(step)
        return self._gathered.add(layout, step, [row[name] for name in order])

    def _layout_of(self, names: frozenset[bytes]) -> tuple[Layout, list[bytes]] | None:
        if names not in self._layouts:
            if len(self._layouts) >= _MOST_LAYOUTS:
                return None
            order = sorted(names)
            try:
                self._layouts[names] = Layout([_text(name) for name in order], self._rows), order
            except ValueError:
                self._layouts[names] = None
        return self._layouts[names]


def _step_in(message: bytes) -> int:
    return next((step for number, step in fields(message) if number == 1 and isinstance(step, int)), 0)


def _settings(message: bytes) -> dict[str, Json]:
    """The items of a record as a mapping."""
    names, values, _ = _items(message, 1)
    return dict(zip(map(_text, names), values, strict=True))


def _items(message: bytes, number: int) -> tuple[list[bytes], list[Json], bytes]:
    """Names and values of the items of a record (`key` or `nested_key`, `value_json`), and what field 2 beside them holds.

    A history is 40 items a row, so lengths below 128, which nearly all are, are read in place, and rows of numbers at once.
    """
    plain = _plain_items(message) if number == 1 else None
    if plain is not None:
        return plain
    names: list[bytes] = []
    values: list[bytes] = []
    beside = b""
    at, end, tag = 0, len(message), number << 3 | 2
    while at < end:
        other = message[at] != tag
        if other and (message[at] & 7 != 2 or message[at] >= 0x80):
            return _other_items(message, number)
        length, at = (message[at + 1], at + 2) if at + 1 < end and message[at + 1] < 0x80 else varint(message, at + 1)
        stop = at + length
        if stop > end:
            raise ValueError("an item runs past its record")
        if other:
            beside = message[at:stop] if message[at - 2] == _STEP_FIELD else beside
            at = stop
            continue
        name = value = b""
        while at < stop:
            which = message[at]
            if which == _VALUE[0] and message[at + 1] == _VALUE[1]:
                at += 2
            elif which in _NAME:
                at += 1
            else:
                return _other_items(message, number)
            length, at = (message[at], at + 1) if at < stop and message[at] < 0x80 else varint(message, at)
            if which == _VALUE[0]:
                value = message[at : at + length]
            else:
                name = name + b"/" + message[at : at + length] if name else message[at : at + length]
            at += length
        names.append(name)
        values.append(value)
    return names, _values(values), beside


def _plain_items(message: bytes) -> tuple[list[bytes], list[Json], bytes] | None:
    """The items of a row of numbers with short names; None if there is anything else in it."""
    found = _PLAIN.findall(message)
    if not found:
        return None
    names, texts = zip(*found, strict=True)
    rest = len(message) - _FRAME * len(found) - sum(map(len, names)) - sum(map(len, texts))
    beside = b""
    if rest:
        begin = 0 if message[0] == _STEP_FIELD else len(message) - rest
        if rest < 2 or message[begin] != _STEP_FIELD or message[begin + 1] != rest - 2:
            return None
        beside = message[begin + 2 : begin + rest]
    return list(names), _values(list(texts)), beside


def _other_items(message: bytes, number: int) -> tuple[list[bytes], list[Json], bytes]:
    """The same for a record that is written in an unusual way."""
    names: list[bytes] = []
    values: list[Json] = []
    beside = b""
    for at, item in fields(message):
        if at == number and isinstance(item, bytes):
            parts = [(part, content) for part, content in fields(item) if isinstance(content, bytes)]
            names.append(b"/".join(content for part, content in parts if part in (1, 2)))
            values.append(next((_value(content) for part, content in parts if part == 16), None))
        elif at == 2 and isinstance(item, bytes):
            beside = item
    return names, values, beside


def _values(texts: list[bytes]) -> list[Json]:
    """Many values at once, one by one where one of them is no strict JSON."""
    try:
        values: list[Json] = _decode(b"[" + b",".join(texts) + b"]")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [_value(text) for text in texts]
    return values if len(values) == len(texts) else [_value(text) for text in texts]


def _value(text: bytes) -> Json:
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(text.decode("utf-8", "replace"))  # NaN and Infinity, which W&B writes as such
    except (ValueError, RecursionError):
        return text.decode("utf-8", "replace")


@lru_cache(maxsize=4096)
def _text(value: int | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""


def _described(config: dict[str, Json]) -> Iterator[RunDescribed]:
    config = {name: value for name, value in list(config.items())[:_MOST_SETTINGS] if name != "_wandb"}
    yield described(config)


def claims(_path: PurePath, head: bytes) -> bool:
    """W&B's magic number."""
    return head.startswith(HEADER)


FORMAT = StreamFormat(name="W&B run file", authority=7, claims=claims, decoder=WandbDecoder)
