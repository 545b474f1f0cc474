"""The wire format of protobuf messages, as far as a log needs it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

Bytes = TypeVar("Bytes", bytes, memoryview)
_FIXED = {1: 8, 5: 4}


def spans(message: bytes | memoryview) -> Iterator[tuple[int, int, int, int, int]]:
    """The fields of a message as (number, wire type, value of an integer, where its bytes begin, and end).

    Raises:
        ValueError: if the message is no protobuf.
    """
    at, end = 0, len(message)
    while at < end:
        key, at = varint(message, at)
        kind = key & 7
        if kind == 0:
            begin = at
            value, at = varint(message, at)
            yield key >> 3, kind, value, begin, at
            continue
        length = _FIXED.get(kind)
        if length is None:
            if kind != 2:
                raise ValueError(f"protobuf wire type {kind}")
            length, at = varint(message, at)
        if at + length > end:
            raise ValueError("a protobuf field runs past its message")
        yield key >> 3, kind, 0, at, at + length
        at += length


def fields(message: Bytes) -> Iterator[tuple[int, int | Bytes]]:
    """The fields of a message as (number, value): an integer of a varint field, the bytes of any other.

    Raises:
        ValueError: if the message is no protobuf.
    """
    for number, kind, value, begin, end in spans(message):
        yield number, message[begin:end] if kind else value


def varint(message: bytes | memoryview, at: int) -> tuple[int, int]:
    """The number at a place, and the place behind it.

    Raises:
        ValueError: if it has no end.
    """
    value = shift = 0
    while True:
        if at >= len(message) or shift > 63:
            raise ValueError("a protobuf number has no end")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
