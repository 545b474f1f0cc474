"""Very many TensorBoard records at once: the plain ones, a scalar each, become columns.

A training's records differ in their time, step and number alone. So records of one length are laid side by side as a matrix
of bytes; one of them is parsed, and all that have its bytes everywhere but in those three places are read like it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rldk_tui.events import LAST_STEP, LAST_TIME, Metrics, Phase
from rldk_tui.events.entries import Cells, Entries, Kind
from rldk_tui.readers._protobuf import spans

_LONGEST = 1024
"""Bytes of a record beyond which it holds more than a scalar."""
_SHAPES_OF_A_LENGTH = 256
"""Records of one length that differ in more than what they tell which are looked for; the rest are read one by one."""
_MOST_TAGS = 256
"""Tags of such records; the rest are read one by one."""
_TEXT = "/text_summary"
_FACTOR = np.uint64(0x100000001B3)
"""Of the Fowler-Noll-Vo hash."""
_FEW = 4
"""Records of one length that are not worth a matrix."""
_FINAL_KEYS = frozenset({"train_runtime", "train_loss", "train_samples_per_second", "train_steps_per_second", "total_flos"})
LONGEST_PATTERN = 512
"""Records after which their lengths may repeat."""
_CHECKSUM = 4
_HOLDS_NUMBERS = {4: (4, 8), 5: (4,), 6: (8,), 7: (), 10: ()}
"""Fields of a tensor that hold its numbers (bytes, floats, doubles, two kinds of integers), and the sizes of one float."""
_NUMBER_TYPES: dict[int, Any] = {4: np.dtype("<f4"), 8: np.dtype("<f8")}


def phase_of(tag: str) -> tuple[Phase, str]:
    """The phase and the key of `train/x`, `eval/x` or a tag of somebody else's."""
    head, _, key = tag.partition("/")
    if head == "train" and key in _FINAL_KEYS:
        return Phase.FINAL, key
    if head == "train" and key:
        return Phase.TRAIN, key
    if head == "eval" and key:
        return Phase.EVAL, key
    return Phase.TRAIN, tag


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a record holds what: places of bytes in its payload."""

    name: tuple[int, int]
    time: int
    step: tuple[int, int]
    number: tuple[int, int]

    def fixed(self, length: int) -> NDArray[np.intp]:
        """The places of bytes that are the same in every record."""
        free = np.zeros(length, bool)
        free[self.time : self.time + 8] = True
        for place in (self.name, self.step, self.number):
            free[slice(*place)] = True
        return np.flatnonzero(~free)


def layout_of(payload: bytes) -> Layout | None:
    """The layout of an Event with one scalar; None if it is anything else."""
    try:
        return _layout(memoryview(payload))
    except ValueError:
        return None


def _layout(event: memoryview) -> Layout | None:
    time, step, summary = None, (0, 0), None
    for number, kind, _, begin, end in spans(event):
        if (number, kind) == (1, 1):
            time = begin
        elif (number, kind) == (2, 0):
            step = begin, end
        elif (number, kind) == (5, 2) and summary is None:
            summary = begin, end
        else:
            return None
    if time is None or summary is None:
        return None
    values = list(spans(event[slice(*summary)]))
    if len(values) != 1 or values[0][:2] != (1, 2):
        return None
    begin, end = (summary[0] + at for at in values[0][3:])
    return _scalar_layout(event, begin, end, time, step)


def _scalar_layout(event: memoryview, begin: int, end: int, time: int, step: tuple[int, int]) -> Layout | None:
    name = 0, 0
    found: list[tuple[int, int] | None] = []
    for number, kind, _, low, high in spans(event[begin:end]):
        low, high = begin + low, begin + high
        if (number, kind) == (1, 2):
            name = low, high
        elif (number, kind) == (2, 5):
            found.append((low, high))
        elif (number, kind) == (8, 2):
            found.append(_number_in_tensor(event, low, high))
    if len(found) != 1 or found[0] is None:
        return None
    return Layout(name, time, step, found[0])


def _number_in_tensor(event: memoryview, begin: int, end: int) -> tuple[int, int] | None:
    """The place of a float in a tensor of one number (TensorFlow 2 writes scalars so), where one field alone can hold it."""
    held = [span for span in spans(event[begin:end]) if span[0] in _HOLDS_NUMBERS]
    if len(held) != 1:
        return None
    number, kind, _, low, high = held[0]
    return (begin + low, begin + high) if kind != 0 and high - low in _HOLDS_NUMBERS[number] else None


@dataclass(frozen=True, slots=True)
class Scalars:
    """Scalars in the order of the file.

    Attributes:
        plain: shape (n,), which records were such; of the others the rest means nothing.
        tags: shape (n,), places in `names`.
    """

    plain: NDArray[np.bool_]
    times: NDArray[np.float64]
    steps: NDArray[np.int64]
    numbers: NDArray[np.float64]
    tags: NDArray[np.int32]
    names: list[str]


def as_before(data: bytes, at: int, lengths: Sequence[int], heads: Mapping[int, bytes]) -> tuple[list[int], list[int]]:
    """Records that follow with the lengths of the last ones again and again, as the records of a training's steps do.

    Args:
        data: Records; the next begins at `at`.
        at: Behind the last one whose length is known.
        lengths: Of the payloads so far.
        heads: What stands before a payload of each length.

    Returns:
        Where their payloads begin, and how long these are; every record is whole and has the head of its length.
    """
    recent = np.array(lengths[-2 * LONGEST_PATTERN :])
    if any(length not in heads for length in {*recent.tolist()}):
        return [], []
    period = next((many for many in range(1, recent.size // 2 + 1) if (recent[many:] == recent[:-many]).all()), 0)
    pattern = recent[recent.size - period :]
    size = len(heads[lengths[-1]])
    gaps = pattern + (size + _CHECKSUM)
    times = (len(data) - at) // max(1, int(gaps.sum())) if period else 0
    if not times:
        return [], []
    again = np.tile(pattern, times)
    starts = at + np.concatenate([[0], np.cumsum(np.tile(gaps, times))[:-1]])
    expected = np.frombuffer(b"".join(heads[length] for length in pattern.tolist()), np.uint8).reshape(period, size)
    found = np.lib.stride_tricks.sliding_window_view(np.frombuffer(data, np.uint8), size)[starts]
    other = np.flatnonzero((found.reshape(times, period, size) != expected).any(axis=2))
    whole = int(other[0]) if other.size else again.size
    return (starts[:whole] + size).tolist(), again[:whole].tolist()


def scalars_in(data: bytes, begins: Sequence[int], lengths: Sequence[int]) -> Scalars:
    """The plain scalars among records whose payloads lie there in `data`; a record with a wrong checksum is not plain."""
    content = np.frombuffer(data, np.uint8)
    starts, sizes = np.array(begins, np.int64), np.array(lengths, np.int64)
    count = starts.size
    found = Scalars(
        np.zeros(count, bool), np.zeros(count), np.zeros(count, np.int64), np.zeros(count), np.zeros(count, np.int32), []
    )
    for size in np.unique(sizes[sizes <= _LONGEST]).tolist():
        at = np.flatnonzero(sizes == size)
        if at.size >= _FEW and size > 0:
            records = np.lib.stride_tricks.sliding_window_view(content, size + 4)[starts[at]]
            sound = np.flatnonzero(masked_crcs(records[:, :size]) == records[:, size:].copy().view("<u4")[:, 0])
            _read_alike(records[:, :size], at, sound, found)
    found.plain[:] &= (found.steps <= LAST_STEP) & (np.abs(found.times) <= LAST_TIME)
    return found


def _read_alike(records: NDArray[np.uint8], at: NDArray[np.intp], rest: NDArray[np.intp], found: Scalars) -> None:
    """Read records of one length, those that are alike but for their tags together."""
    for _ in range(_SHAPES_OF_A_LENGTH):
        if not rest.size:
            return
        layout = layout_of(records[rest[0]].tobytes())
        read = np.zeros(rest.size, bool)
        if layout is not None:
            example = records[rest[0]]
            fixed = layout.fixed(example.size)
            steps, read = _varints(records[rest][:, slice(*layout.step)])
            read &= (records[rest][:, fixed] == example[fixed]).all(axis=1)
            plain = rest[read]
            read[read] = _put(records[plain], at[plain], steps[read], layout, found)
        read[0] = True  # where it is not, it is read by itself
        rest = rest[~read]


def _put(
    records: NDArray[np.uint8], places: NDArray[np.intp], steps: NDArray[np.int64], layout: Layout, found: Scalars
) -> NDArray[np.bool_]:
    """Note what records of one layout tell; which of them have a tag that is a scalar's."""
    tags = np.ascontiguousarray(records[:, slice(*layout.name)])
    digests = np.zeros(places.size, np.uint64)
    for column in tags.T:
        digests = digests * _FACTOR + column
    _, first, group = np.unique(digests, return_index=True, return_inverse=True)
    known = np.full(first.size, -1, np.int32)
    for index, tag in enumerate(tags[first[:_MOST_TAGS]]):
        name = tag.tobytes().decode("utf-8", "replace")
        if not name.endswith(_TEXT):
            if name not in found.names:
                found.names.append(name)
            known[index] = found.names.index(name)
    scalar: NDArray[np.bool_] = (known[group] >= 0) & (tags == tags[first][group]).all(axis=1)
    at = places[scalar]
    found.plain[at] = True
    found.tags[at] = known[group[scalar]]
    found.steps[at] = steps[scalar]
    found.times[at] = _numbers(records[scalar], layout.time, layout.time + 8)
    found.numbers[at] = _numbers(records[scalar], *layout.number)
    return scalar


def _numbers(records: NDArray[np.uint8], begin: int, end: int) -> NDArray[np.float64]:
    stored = np.ascontiguousarray(records[:, begin:end]).view(_NUMBER_TYPES[end - begin])
    return np.asarray(stored[:, 0], np.float64)


def _varints(columns: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Protobuf numbers of as many bytes as there are columns, and which of them are whole; no column means 0."""
    count, width = columns.shape
    values, whole = np.zeros(count, np.int64), np.full(count, width <= 8)
    for place in range(min(width, 8)):
        byte = columns[:, place]
        values |= (byte & np.uint8(0x7F)).astype(np.int64) << (7 * place)
        whole &= (byte >= 0x80) == (place < width - 1)
    return values, whole


def _crc_table() -> NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ np.uint32(0x82F63B78), table >> 1)
    return table


_CRC_TABLE = _crc_table()
_CRC_BYTES = _CRC_TABLE.tolist()
_MASK = 0xFFFFFFFF


def masked_crc(data: bytes | memoryview) -> int:
    """TFRecord's checksum: CRC-32C, rotated and offset (tensorflow/core/lib/hash/crc32c.h)."""
    crc = _MASK
    for byte in data:
        crc = _CRC_BYTES[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= _MASK
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & _MASK


def masked_crcs(records: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """The checksum of each row."""
    crcs = np.full(records.shape[0], _MASK, np.uint32)
    for column in np.ascontiguousarray(records.T):
        crcs = _CRC_TABLE[(crcs ^ column) & np.uint32(0xFF)] ^ crcs >> np.uint32(8)
    crcs = ~crcs
    masked: NDArray[np.uint32] = (crcs >> np.uint32(15) | crcs << np.uint32(17)) + np.uint32(0xA282EAD8)
    return masked


def entries_in(found: Scalars, part: slice) -> Iterator[Entries | Metrics]:
    """These records as rows of columns; one event a record where a metric comes twice at a step, or a step comes again."""
    phases = [phase_of(name) for name in found.names]
    tags = found.tags[part]
    for phase in dict.fromkeys(phase for phase, _ in phases):
        keys = {index: key for index, (its, key) in enumerate(phases) if its is phase}
        at = np.flatnonzero(np.isin(tags, list(keys))) + part.start
        if at.size:
            yield from _rows(found, at, phase, keys)


def _rows(found: Scalars, at: NDArray[np.intp], phase: Phase, keys: dict[int, str]) -> Iterator[Entries | Metrics]:
    steps = found.steps[at]
    first = np.concatenate([[True], np.diff(steps) != 0])
    row = np.cumsum(first) - 1
    names = list(dict.fromkeys(keys.values()))
    place = np.zeros(len(found.names), np.int64)
    place[list(keys)] = [names.index(key) for key in keys.values()]
    cell = row * len(names) + place[found.tags[at]]
    singly = np.zeros(int(row[-1]) + 1, bool)
    if (np.diff(steps[first]) <= 0).any():
        singly[:] = True
    else:
        times_told = np.bincount(cell)
        singly[np.flatnonzero(times_told > 1) // len(names)] = True
    if not singly.all():
        yield _columns(found, at[~singly[row]], phase, names, place)
    for index in at[singly[row]].tolist():
        values: dict[str, float | None] = {keys[int(found.tags[index])]: float(found.numbers[index])}
        yield Metrics(time=float(found.times[index]), step=int(found.steps[index]), phase=phase, values=values)


def _columns(found: Scalars, at: NDArray[np.intp], phase: Phase, names: list[str], place: NDArray[np.int64]) -> Entries:
    """Records of rising steps, no metric twice at one."""
    steps, numbers = found.steps[at], found.numbers[at]
    first = np.concatenate([[True], np.diff(steps) != 0])
    shape = len(names), int(np.count_nonzero(first))
    cell = place[found.tags[at]], np.cumsum(first) - 1
    values, kinds = np.full(shape, np.nan), np.full(shape, Kind.ABSENT, np.uint8)
    values[cell] = numbers
    kinds[cell] = np.where(np.isfinite(numbers), np.uint8(Kind.FINITE), np.uint8(Kind.NONFINITE))
    columns = {name: Cells(values[index], kinds[index]) for index, name in enumerate(names) if kinds[index].any()}
    return Entries(phase=phase, steps=steps[first], times=found.times[at][first], columns=columns)
