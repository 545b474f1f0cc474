"""Thrift's compact protocol, in which a parquet file writes what it says of itself, as far as its sizes need it.

Source: the Apache Thrift compact protocol specification (thrift-compact-protocol.md).
"""

from __future__ import annotations

from typing import TypeAlias

from rldk_tui.readers._protobuf import varint

Value: TypeAlias = "bool | int | bytes | list[Value] | Struct"
Struct: TypeAlias = "dict[int, Value]"

_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 0, 1, 2, 3, 7, 8, 9, 10, 12
_INTEGERS = frozenset({4, 5, 6})
_DEEPEST = 12
"""Levels of structures and lists in each other: parquet's own have nine."""


def struct(data: bytes, at: int, depth: int = 0) -> tuple[Struct, int]:
    """The structure at a place, by the numbers of its fields, and the place behind it.

    Raises:
        ValueError: if there is none.
    """
    fields: Struct = {}
    number = 0
    while True:
        head = _byte(data, at)
        at += 1
        if head == _STOP:
            return fields, at
        if head >> 4:
            number += head >> 4
        else:
            number, at = _integer(data, at)
        kind = head & 15
        if kind in (_TRUE, _FALSE):
            fields[number] = kind == _TRUE
        else:
            fields[number], at = _value(data, at, kind, depth)


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Value, int]:
    if depth > _DEEPEST:
        raise ValueError("its structures are nested too deep")
    if kind in _INTEGERS:
        return _integer(data, at)
    if kind == _BINARY:
        size, at = varint(data, at)
        return _bytes(data, at, size)
    if kind in (_LIST, _SET):
        return _list(data, at, depth)
    if kind == _STRUCT:
        return struct(data, at, depth + 1)
    if kind == _DOUBLE:
        return _bytes(data, at, 8)
    if kind in (_TRUE, _FALSE, _BYTE):  # in a list, where a truth takes a byte
        return _byte(data, at), at + 1
    raise ValueError(f"it has a value of an unknown kind ({kind})")


def _list(data: bytes, at: int, depth: int) -> tuple[list[Value], int]:
    head = _byte(data, at)
    size, at = head >> 4, at + 1
    if size == 15:
        size, at = varint(data, at)
    if size > len(data) - at:
        raise ValueError("it has a list that is longer than the file")
    values: list[Value] = []
    for _ in range(size):
        value, at = _value(data, at, head & 15, depth + 1)
        values.append(value)
    return values, at


def _integer(data: bytes, at: int) -> tuple[int, int]:
    number, at = varint(data, at)
    return number >> 1 ^ -(number & 1), at


def _byte(data: bytes, at: int) -> int:
    if at >= len(data):
        raise ValueError("it ends in the middle of a structure")
    return data[at]


def _bytes(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    if size > len(data) - at:
        raise ValueError("it has a text that is longer than the file")
    return data[at : at + size], at + size
