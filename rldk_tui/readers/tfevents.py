"""TensorBoard event files: TFRecord frames around protobuf `Event` messages.

Written here at the level of bytes because no maintained parser is both light and fast. Of a file of 1,000,000 scalars
TensorBoard's own loader took 40 µs an event and imports 100 MB of packages, this way takes 0.9 µs, every checksum compared
(`_tfevents_scalars` reads the plain records of a long stretch together); protobuf with generated classes was measured at a
sixth, the `tfrecord` package at a fifth of the loader's time, each for the parsing alone. Only what a training log needs is
read: the wall time, the step, scalar values (as `simple_value` or as a tensor of one number) and the text summaries in which
the Hugging Face callback stores the run's arguments. proto3 omits a step of 0, so an absent step means 0.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise
from pathlib import PurePath

import numpy as np

from rldk_tui.events import LAST_STEP, LAST_TIME, SCHEMA_VERSION, Json, Metrics, ReadProblem, RunDescribed, RunStarted
from rldk_tui.metrics import algorithm_from_config
from rldk_tui.readers import Read, StreamFormat
from rldk_tui.readers._protobuf import spans
from rldk_tui.readers._tensorboard_settings import hyperparameters_in, settings_in
from rldk_tui.readers._tfevents_scalars import LONGEST_PATTERN, as_before, entries_in, masked_crc, phase_of, scalars_in

_FRAME = struct.Struct("<QI")
_CRC = struct.Struct("<I")
_CHECKSUM = 4
_LONGEST_RECORD = 256 * 1024 * 1024
_KNOWN_LENGTHS = 4096
"""Lengths of records whose checksum is remembered: it takes longer to work out than to compare."""
_MANY_RECORDS = 256
"""Records that come at once from which on plain scalars are read together."""
_MOST_BETWEEN = 8192
"""Records after which it is tried again whether their lengths repeat, at the latest."""
_SETTINGS = re.compile(r"arg|param|config", re.IGNORECASE)
"""What a text is called that holds the run's settings."""
_HPARAMS = "_hparams_/"
_FILE_NAME = re.compile(r"tfevents\.(?P<time>\d+)\.(?P<host>.+?)(?:\.(?P<pid>\d+)\.\d+)?$")


def _fields(message: memoryview) -> Iterator[tuple[int, int, int, memoryview]]:
    """The fields of a message as (number, wire type, integer value, bytes)."""
    return ((number, kind, value, message[begin:end]) for number, kind, value, begin, end in spans(message))


def _scalar(tensor: memoryview) -> float | None:
    """The number in a tensor of one number (TensorFlow 2 writes scalars so)."""
    for number, kind, value, data in _fields(tensor):
        if number in (4, 5) and len(data) == 4:
            return float(struct.unpack("<f", data)[0])
        if number in (4, 6) and len(data) == 8:
            return float(struct.unpack("<d", data)[0])
        if number in (7, 10) and kind == 0:
            return float(value)
    return None


def _parts(event: memoryview) -> tuple[float, int, list[memoryview]]:
    """Wall time, step and summaries of an Event message."""
    time, step, summaries = 0.0, 0, []
    for number, kind, value, data in _fields(event):
        if number == 1 and kind == 1:
            time = float(struct.unpack("<d", data)[0])
        elif number == 2 and kind == 0:
            step = value
        elif number == 5 and kind == 2:
            summaries.append(data)
    if step > LAST_STEP:
        raise ValueError(f"step {step}")
    if not abs(time) <= LAST_TIME:
        raise ValueError(f"time {time}")
    return time, step, summaries


def _text(tensor: memoryview) -> bytes | None:
    return next((bytes(data) for number, kind, _, data in _fields(tensor) if number == 8 and kind == 2), None)


class TfeventsDecoder:
    """Cuts the frames apart and gathers the scalars of one step into one event."""

    def __init__(self, path: PurePath) -> None:
        self._source = str(path)
        self._rest = b""
        self._broken = False
        name = _FILE_NAME.search(path.name)
        self._host = name["host"] if name else None
        self._pid = int(name["pid"]) if name and name["pid"] else None
        self._started = float(name["time"]) if name else None
        self._begun = False
        self._known_lengths: dict[int, int] = {}

    def pending(self) -> int:
        """Bytes of a last record that is not whole."""
        return 0 if self._broken else len(self._rest)

    def mark(self) -> int | None:
        """Whether the first record was read; None if one was that ends the file."""
        return None if self._broken else int(self._begun)

    def go_on(self, mark: Json) -> None:
        """Be behind the first record, or before it."""
        self._begun = bool(mark)

    def flush(self) -> tuple[()]:
        """Nothing: a record without its end is no record."""
        return ()

    def feed(self, chunk: bytes) -> Iterator[Read]:
        """Yield what became complete: the scalars of a step and phase together, of very many steps as columns."""
        if self._broken:
            return
        data = self._rest + chunk
        begins, lengths, end = self._frames(data)
        self._rest = data[end:]
        if len(begins) >= _MANY_RECORDS:
            reads = self._in_bulk(data, begins, lengths)
        else:
            reads = chain.from_iterable(
                self._record(data, begin, length) for begin, length in zip(begins, lengths, strict=True)
            )
        yield from _together(reads)
        if self._broken:
            yield ReadProblem(source=self._source, message="a record's length is corrupt; what follows it was not read")

    def _frames(self, data: bytes) -> tuple[list[int], list[int], int]:
        """Where the payloads of whole records begin, how long they are, and where the first that is not whole begins."""
        begins: list[int] = []
        lengths: list[int] = []
        unpack, known, at, last, tried = _FRAME.unpack_from, self._known_lengths, 0, len(data) - _FRAME.size, _MANY_RECORDS
        while at <= last:
            length, checksum = unpack(data, at)
            if known.get(length) != checksum:
                if masked_crc(data[at : at + 8]) != checksum or length > _LONGEST_RECORD:
                    self._broken = True
                    break
                if len(known) < _KNOWN_LENGTHS:
                    known[length] = checksum
            begin = at + _FRAME.size
            at_next = begin + length + _CHECKSUM
            if at_next > len(data):
                break
            begins.append(begin)
            lengths.append(length)
            at = at_next
            if len(lengths) >= tried:
                at = self._skip(data, at, begins, lengths)
                tried = len(lengths) + min(len(lengths), _MOST_BETWEEN)
        return begins, lengths, at

    def _skip(self, data: bytes, at: int, begins: list[int], lengths: list[int]) -> int:
        """Take the records that repeat the lengths of those before, and return where the next one begins."""
        recent = {length for length in lengths[-2 * LONGEST_PATTERN :] if length in self._known_lengths}
        heads = {length: _FRAME.pack(length, self._known_lengths[length]) for length in recent}
        more, their_lengths = as_before(data, at, lengths, heads)
        begins += more
        lengths += their_lengths
        return begins[-1] + lengths[-1] + _CHECKSUM

    def _in_bulk(self, data: bytes, begins: list[int], lengths: list[int]) -> Iterator[Read]:
        found = scalars_in(data, begins, lengths)
        found.plain[0] &= self._begun
        edges = np.flatnonzero(np.diff(found.plain, prepend=~found.plain[:1], append=~found.plain[-1:])).tolist()
        for low, high in pairwise(edges):
            if found.plain[low]:
                yield from entries_in(found, slice(low, high))
            else:
                for begin, length in zip(begins[low:high], lengths[low:high], strict=True):
                    yield from self._record(data, begin, length)

    def _record(self, data: bytes, begin: int, length: int) -> Iterator[Read]:
        payload = memoryview(data)[begin : begin + length]
        if masked_crc(payload) != _CRC.unpack_from(data, begin + length)[0]:
            yield ReadProblem(source=self._source, message="a record's checksum is wrong; the record was left out")
        else:
            yield from self._event(payload)

    def _event(self, payload: memoryview) -> Iterator[Read]:
        try:
            time, step, summaries = _parts(payload)
            if not self._begun:
                self._begun = True
                yield self._start(time)
            for summary in summaries:
                for number, _, _, data in _fields(summary):
                    if number == 1:
                        yield from self._value(data, time, step)
        except ValueError as failure:
            yield ReadProblem(source=self._source, message=f"a record is not an event: {failure}")

    def _start(self, time: float) -> RunStarted:
        return RunStarted(
            time=time or self._started or 0.0,
            schema_version=SCHEMA_VERSION,
            run_id=self._source,
            host=self._host,
            pid=self._pid,
        )

    def _value(self, message: memoryview, time: float, step: int) -> Iterator[Read]:
        tag, number_found, tensor = "", None, None
        for number, kind, _, data in _fields(message):
            if number == 1:
                tag = bytes(data).decode("utf-8", "replace")
            elif number == 2 and kind == 5:
                number_found = float(struct.unpack("<f", data)[0])
            elif number == 8 and kind == 2:
                tensor = data
            elif number == 9 and kind == 2 and tag.startswith(_HPARAMS):
                facts = hyperparameters_in(bytes(data))
                if facts:
                    yield self._configured(facts, time)
        if tensor is not None and tag.endswith("/text_summary"):
            yield from self._describe(tag.removesuffix("/text_summary"), _text(tensor), time)
            return
        if number_found is None and tensor is not None:
            number_found = _scalar(tensor)
        if number_found is not None:
            phase, key = phase_of(tag)
            yield Metrics(time=time, step=step, phase=phase, values={key: number_found})

    def _describe(self, what: str, text: bytes | None, time: float) -> Iterator[Read]:
        """The run's arguments and model, as the Hugging Face TensorBoard callback stores them, or a table of settings."""
        facts = settings_in(text or b"")
        if facts is None:
            return
        if what == "model_config":
            name = facts.get("_name_or_path") or facts.get("model_type")
            yield RunDescribed(time=time, model=str(name) if name else None)
        elif _SETTINGS.search(what):
            yield self._configured(facts, time)

    def _configured(self, facts: dict[str, Json], time: float) -> RunDescribed:
        steps = facts.get("max_steps")
        return RunDescribed(
            time=time,
            algorithm=algorithm_from_config(facts),
            config=facts,
            max_steps=steps if isinstance(steps, int) and steps > 0 else None,
        )


def _together(reads: Iterable[Read]) -> Iterator[Read]:
    """The same, scalars of one step and phase that follow each other in one event."""
    group: Metrics | None = None
    for read in reads:
        if isinstance(read, Metrics) and group is not None and _extends(group, read):
            group.values.update(read.values)
            continue
        if group is not None:
            yield group
        group = read if isinstance(read, Metrics) else None
        if group is None:
            yield read
    if group is not None:
        yield group


def _extends(group: Metrics, read: Metrics) -> bool:
    """Whether a scalar belongs to the group: its step and phase, and not a second word on a metric it has already."""
    return (group.step, group.phase) == (read.step, read.phase) and not group.values.keys() & read.values.keys()


def claims(path: PurePath, head: bytes) -> bool:
    """`tfevents` anywhere in the name, and a first frame whose length has the right checksum."""
    if "tfevents" not in path.name or len(head) < _FRAME.size:
        return False
    checksum: int = _FRAME.unpack_from(head)[1]
    return masked_crc(head[:8]) == checksum


FORMAT = StreamFormat(name="TensorBoard events", authority=8, claims=claims, decoder=TfeventsDecoder)
