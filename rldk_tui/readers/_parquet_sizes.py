"""What a parquet file says of its own sizes, checked against the file before a library takes it at its word.

polars (2.1) allocates what a damaged page or footer asks for, and a Rust program whose allocation fails is ended: nothing in
Python can catch that. So each number that sizes memory is looked at here first: the footer's length, the rows, and of every
page its bytes, packed and unpacked, and its values. Field numbers: parquet.thrift of the Apache Parquet format.
"""

from __future__ import annotations

from collections.abc import Iterator

from rldk_tui.readers._thrift import Struct, Value, struct

MAGIC = b"PAR1"
MOST_CELLS = 5_000_000
"""Values of a file, all columns together: a log of 64 rewards for 8,192 completions has 0.5M."""
MOST_BYTES = 1 << 30
"""Bytes of a file's pages, unpacked."""
_MOST_PAGES = 100_000
_TAIL = 8
"""Bytes of a footer's length and the magic behind it."""
_UNCOMPRESSED = 0
_DICTIONARY, _VERSION_2 = 2, 3
_HEADERS = {0: 5, _DICTIONARY: 7, _VERSION_2: 8}
"""The field of a page that describes it, by its kind; 0: values as they were first written."""
_ENCODING = {0: (2, 3, 4), _DICTIONARY: (2,), _VERSION_2: (4,)}
"""The fields of that description that name an encoding."""
_ENCODINGS = frozenset({0, 2, 3, 4, 8})
"""Plain values, dictionaries and run lengths: what pandas writes. Damage in the other ones polars takes badly."""


def check_sizes(data: bytes) -> None:
    """Decline a file whose sizes cannot be true, or are more than generations of one log ever are.

    Raises:
        ValueError: in words, with the reason.
    """
    if not (data.startswith(MAGIC) and data.endswith(MAGIC)):
        raise ValueError("it is not whole yet (no parquet footer)")
    length = int.from_bytes(data[-_TAIL:-4], "little")
    end = len(data) - _TAIL - length
    if end < len(MAGIC):
        raise ValueError("it is damaged: its footer is longer than the file")
    try:
        _check_columns(data, end)
    except ValueError as failure:
        raise ValueError(f"it is damaged: {failure}") from None


def _check_columns(data: bytes, end: int) -> None:
    """Every column of every group of rows, and that they are not too much together."""
    footer, _ = struct(data[end:-_TAIL], 0)
    rows = _whole(footer.get(3), "rows", MOST_CELLS)
    groups = [_struct(group) for group in _list(footer.get(4))]
    if sum(_whole(group.get(3), "rows", rows) for group in groups) != rows:
        raise ValueError("its groups of rows have other rows than the file")
    cells = unpacked = pages = 0
    for group in groups:
        for chunk in _list(group.get(1)):
            for values, size in _pages(data, end, _struct(_struct(chunk).get(3))):
                cells, unpacked, pages = cells + values, unpacked + size, pages + 1
                if cells > MOST_CELLS or unpacked > MOST_BYTES or pages > _MOST_PAGES:
                    raise ValueError("it claims to hold more than generations ever are")


def _pages(data: bytes, end: int, column: Struct) -> Iterator[tuple[int, int]]:
    """Values and unpacked bytes of a column's pages, which must lie in the file and hold what the column says."""
    expected = _whole(column.get(5), "values", MOST_CELLS)
    at = min(_whole(column[field], "bytes", end) for field in (9, 11) if column.get(field))
    stop = at + _whole(column.get(7), "bytes", end - at)
    values = 0
    while at < stop:
        page, at = struct(data, at)
        packed = _whole(page.get(3), "bytes", stop - at)
        unpacked = _whole(page.get(2), "bytes", MOST_BYTES)
        if column.get(4) == _UNCOMPRESSED and unpacked != packed:
            raise ValueError("a page has two sizes")
        kind = page.get(1)
        here = _values(page, kind, packed) if isinstance(kind, int) and kind in _HEADERS else 0
        yield here, unpacked
        values += here if kind != _DICTIONARY else 0
        at += packed
    if values != expected:
        raise ValueError("the pages of a column hold other numbers of values than it says")


def _values(page: Struct, kind: int, packed: int) -> int:
    """How many values a page has."""
    header = _struct(page.get(_HEADERS[kind]))
    values = _whole(header.get(1), "values", MOST_CELLS)
    for field in _ENCODING[kind]:
        if _whole(header.get(field), "encodings", 127) not in _ENCODINGS:
            raise ValueError("a page has an encoding that generations never have")
    if kind == _VERSION_2:
        _whole(header.get(2), "values", values)
        _whole(header.get(3), "rows", values)
        _whole(_whole(header.get(5), "bytes", packed) + _whole(header.get(6), "bytes", packed), "bytes", packed)
    return values


def _whole(value: Value | None, what: str, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError(f"a number of {what} cannot be ({value})" if isinstance(value, int) else f"no number of {what}")
    return value


def _list(value: Value | None) -> list[Value]:
    if not isinstance(value, list):
        raise ValueError("what it says of itself is not parquet's")
    return value


def _struct(value: Value | None) -> Struct:
    if not isinstance(value, dict):
        raise ValueError("what it says of itself is not parquet's")
    return value
